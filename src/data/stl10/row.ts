import { join } from "node:path";
import { namesFrom } from "../binary/classNames.js";
import { howToPlace } from "../binary/dataFile.js";
import { memoryReaders } from "../binary/inMemory.js";
import type { PartName } from "../binary/part.js";
import { sha256Of } from "../checksums.js";
import type { DatasetRow, ImageFormat } from "../dataset.js";
import { examine, type WholeFile } from "../examine.js";
import { isAsFetched } from "../fetch/record.js";
import {
  CLASSES,
  HALVES,
  IMAGE_BYTES,
  NAME,
  NAMES_FILE,
  pixelsOf,
  readHalf,
  SIDE,
} from "./files.js";
import { synthesize } from "./synthetic.js";

/**
 * Padded by an eighth of the side, cropped and mirrored, as DeVries and Taylor (Cutout, 2017) train on the 5,000 labelled
 * images. Mean and deviation are those of all values of these.
 */
const FORMAT = {
  ...{ height: SIDE, width: SIDE, channels: 3 },
  normalization: { mean: [0.4467, 0.4398, 0.4066], deviation: [0.2603, 0.2566, 0.2713] },
  augmentation: { kind: "shift", padding: 12 },
} as const satisfies ImageFormat;

const ARCHIVE = {
  url: "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
  md5: "91f7769df0f17e558f3565bffb0c7dfb",
  folder: "stl10_binary",
  members: [...Object.values(HALVES).flatMap((half) => [half.labels, half.images]), NAMES_FILE],
  recorded: true,
  mostBytes: 2 ** 32,
} as const;

const zeroBased = (labels: Uint8Array): Uint8Array => labels.map((label) => label - 1);

const readers = memoryReaders({
  ...{ name: NAME, classes: CLASSES, format: FORMAT, archive: ARCHIVE },
  knownBy: HALVES.test.images,
  contents: `${HALVES.train.images}, ${HALVES.train.labels}, ${HALVES.test.images} and ${HALVES.test.labels}`,
  hint: howToPlace(NAME),
  read(directory, part) {
    const half = readHalf(directory, part);
    return {
      labels: zeroBased(half.labels),
      file: { images: half.labels.length, sha256: sha256Of([half.labels, half.images]) },
      pixels: (chosen) => pixelsOf(half, chosen),
    };
  },
});

/** One half as a whole: its labels are counted to the file of its images. */
function wholeHalf(directory: string, part: PartName): WholeFile {
  const { images, labels } = readHalf(directory, part);
  const digests = Array.from(labels, (_, i) =>
    sha256Of([labels.subarray(i, i + 1), images.subarray(i * IMAGE_BYTES, (i + 1) * IMAGE_BYTES)]),
  );
  return {
    ...{ bytes: images.length, labels: zeroBased(labels), digests },
    ...{ sha256: sha256Of([labels, images]), problems: [] },
  };
}

const verify = (directory: string) =>
  examine({
    directory,
    ...{ train: [HALVES.train.images], test: [HALVES.test.images] },
    called: { train: HALVES.train.images, test: HALVES.test.images },
    read: (file) => wholeHalf(directory, file === HALVES.train.images ? "train" : "test"),
    isOfficial: (files) => isAsFetched(directory, files, ARCHIVE.md5),
  });

/** STL-10 (Coates et al. 2011) in its authors' binary version: 5,000 training and 8,000 test images with labels. */
export const STL10 = {
  ...{
    name: NAME,
    title: "STL-10",
    classes: CLASSES,
    format: FORMAT,
    evaluation: "as is" as const,
  },
  defaults: { data: "data/stl10_binary" },
  archive: ARCHIVE,
  ...readers,
  classNames: (directory) => namesFrom(join(directory, NAMES_FILE), CLASSES),
  ...{ synthesize, verify },
} satisfies DatasetRow;
