import { join } from "node:path";
import { inputError } from "../common/errors.js";
import { howToGet, howToPlace, readDataFile } from "./binary/dataFile.js";
import { memoryReaders } from "./binary/inMemory.js";
import { namesFrom, type PartName } from "./binary/records.js";
import { sha256Of } from "./checksums.js";
import type { DatasetRow, ImageFormat, SyntheticOptions } from "./dataset.js";
import { examine, type WholeFile } from "./examine.js";
import { isAsFetched } from "./fetch/fetchArchive.js";
import { classNames } from "./synthetic/patterns.js";
import { drawImages, linesOf, writeSynthetic } from "./synthetic/write.js";

const NAME = "stl10";
const CLASSES = 10;

const SIDE = 96;
const IMAGE_BYTES = 3 * SIDE * SIDE;

/** Images and labels of each split lie in files of their own, named as in the official archive. */
const HALVES = {
  train: { images: "train_X.bin", labels: "train_y.bin" },
  test: { images: "test_X.bin", labels: "test_y.bin" },
} as const;
const NAMES_FILE = "class_names.txt";

const HINT = howToGet(NAME);

/** As many as the unlabelled images that are published with these. */
const MOST_IMAGES = 100_000;

interface Half {
  /** [count, 3, 96, 96] bytes: all of red, all of green, all of blue, column by column. */
  readonly images: Uint8Array;
  /** [count], the classes from 1. */
  readonly labels: Uint8Array;
}

/** @throws inputError for a missing, unreadable, empty or misshapen file, or a label other than 1 to 10 */
function readHalf(directory: string, part: keyof typeof HALVES): Half {
  const [imagePath, labelPath] = [HALVES[part].images, HALVES[part].labels].map((file) => join(directory, file)) as [
    string,
    string,
  ];
  const images = readDataFile(imagePath, { maxBytes: MOST_IMAGES * IMAGE_BYTES, hint: HINT });
  const labels = readDataFile(labelPath, { maxBytes: MOST_IMAGES, hint: HINT });
  if (images.length === 0) throw inputError(`${imagePath} is empty (0 bytes).`, HINT);
  if (images.length !== labels.length * IMAGE_BYTES) {
    throw inputError(
      `${imagePath} has ${images.length} bytes, expected ${labels.length * IMAGE_BYTES}: ` +
        `${IMAGE_BYTES} for each of the ${labels.length} labels of ${labelPath}.`,
      HINT,
    );
  }
  const wrong = labels.findIndex((label) => label < 1 || label > CLASSES);
  if (wrong < 0) return { images, labels };
  throw inputError(`${labelPath} has the label ${labels[wrong]} at byte ${wrong}, expected 1 to ${CLASSES}.`, HINT);
}

/** The pixels of `chosen` images in that order, all by default. @returns [n, 96, 96, 3] bytes */
function pixelsOf({ images, labels }: Half, chosen?: Int32Array): Uint8Array {
  const count = chosen?.length ?? labels.length;
  const pixels = new Uint8Array(count * IMAGE_BYTES);
  for (let i = 0; i < count; i++) {
    const start = (chosen ? (chosen[i] as number) : i) * IMAGE_BYTES;
    transpose(images.subarray(start, start + IMAGE_BYTES), pixels.subarray(i * IMAGE_BYTES));
  }
  return pixels;
}

/** @param planes [3, column, row] @param pixels [row, column, 3] at its start */
function transpose(planes: Uint8Array, pixels: Uint8Array): void {
  let out = 0;
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      for (let channel = 0; channel < 3; channel++) {
        pixels[out++] = planes[(channel * SIDE + column) * SIDE + row] as number;
      }
    }
  }
}

const synthesize = (directory: string, options: SyntheticOptions): Promise<void> =>
  writeSynthetic(directory, options, { side: SIDE, most: CLASSES }, (set) => {
    const files = (["train", "test"] as const).flatMap((part) => {
      const images = new Uint8Array(set[part] * IMAGE_BYTES);
      const labels = new Uint8Array(set[part]);
      drawImages(set, part, (planes, label, index) => {
        images.set(columnByColumn(planes), index * IMAGE_BYTES);
        labels[index] = label + 1;
      });
      return [
        [HALVES[part].labels, labels],
        [HALVES[part].images, images],
      ] as const;
    });
    return new Map([[NAMES_FILE, linesOf(classNames(CLASSES))], ...files]);
  });

/** @param planes [3, row, column] @returns [3, column, row] */
function columnByColumn(planes: Uint8Array): Uint8Array {
  const turned = new Uint8Array(planes.length);
  for (let i = 0; i < planes.length; i++) {
    const [channel, column, row] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE];
    turned[i] = planes[(channel * SIDE + row) * SIDE + column] as number;
  }
  return turned;
}

/** Padded by an eighth as DeVries and Taylor do (Cutout, 2017); mean and deviation of the training images. */
const FORMAT = {
  height: SIDE,
  width: SIDE,
  channels: 3,
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
  name: NAME,
  classes: CLASSES,
  format: FORMAT,
  archive: ARCHIVE,
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

function wholeHalf(directory: string, part: PartName): WholeFile {
  const { images, labels } = readHalf(directory, part);
  const digests = Array.from(labels, (_, i) =>
    sha256Of([labels.subarray(i, i + 1), images.subarray(i * IMAGE_BYTES, (i + 1) * IMAGE_BYTES)]),
  );
  return { bytes: images.length, labels: zeroBased(labels), digests, sha256: sha256Of([labels, images]), problems: [] };
}

const verify = (directory: string) =>
  examine({
    directory,
    train: [HALVES.train.images],
    test: [HALVES.test.images],
    called: { train: HALVES.train.images, test: HALVES.test.images },
    read: (file) => wholeHalf(directory, file === HALVES.train.images ? "train" : "test"),
    isOfficial: (files) => isAsFetched(directory, files, ARCHIVE.md5),
  });

/** STL-10 (Coates et al. 2011) in its authors' binary version: 5,000 training and 8,000 test images with labels. */
export const STL10 = {
  name: NAME,
  title: "STL-10",
  classes: CLASSES,
  format: FORMAT,
  evaluation: "as is" as const,
  defaults: { data: "data/stl10_binary" },
  archive: ARCHIVE,
  ...readers,
  classNames: (directory) => namesFrom(join(directory, NAMES_FILE), CLASSES),
  synthesize,
  verify,
} satisfies DatasetRow;
