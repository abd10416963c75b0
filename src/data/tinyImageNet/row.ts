import type { DatasetRow, ImageFormat } from "../dataset.js";
import { wordsOf } from "./layout.js";
import { tinyReaders, withTree } from "./open.js";
import { synthesize } from "./synthetic.js";
import { FOLDER, ZIP_FILE } from "./tree.js";

const NAME = "tiny-imagenet";
const MD5 = "90528d7ca1a48142e341f4ef8d21d0de";

/** Turned and mirrored as mdistiller has it (RandomRotation(20)), whose mean and deviation these are. */
const FORMAT = {
  ...{ height: 64, width: 64, channels: 3 },
  normalization: { mean: [0.4802, 0.4481, 0.3975], deviation: [0.2302, 0.2265, 0.2262] },
  augmentation: { kind: "rotation", degrees: 20 },
} as const satisfies ImageFormat;

/** Tiny-ImageNet (Stanford's CS231n): 200 classes of ImageNet, 64x64; its validation images are the test images. */
export const TINY_IMAGENET = {
  ...{ name: NAME, title: "Tiny-ImageNet", format: FORMAT, evaluation: "as is" as const },
  defaults: { data: "data/tiny-imagenet-200" },
  archive: {
    url: "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    md5: MD5,
    ...{ folder: FOLDER, members: [], keptAs: ZIP_FILE },
  },
  ...tinyReaders(NAME, FORMAT, MD5),
  classNames: (path) => withTree(path, wordsOf),
  synthesize,
} satisfies DatasetRow;
