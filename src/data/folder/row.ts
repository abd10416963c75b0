import type { PartName } from "../binary/part.js";
import type { DatasetRow, ImageFormat } from "../dataset.js";
import { IMAGENET as IMAGENET_NORMALIZATION } from "../normalize.js";
import { IMAGENET_FOLDERS, imageNetNames, listImageNet } from "./imageNet.js";
import { knownClasses } from "./known.js";
import { type Listing, listClassFolders } from "./listing.js";
import { folderReaders } from "./open.js";
import { type HalfFolders, halfFolder } from "./places.js";
import { synthesize } from "./synthetic.js";

/** Side of the images that models for ImageNet are made for, and the short side that evaluation resizes to before. */
const [SIDE, RESIZED] = [224, 256];

/** As torchvision's recipes have images of ImageNet, and the paper's code: RandomResizedCrop(side), mirrored. */
const formatOf = (side: number) =>
  ({
    ...{ height: side, width: side, channels: 3 },
    normalization: IMAGENET_NORMALIZATION,
    augmentation: { kind: "resized crop", scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
  }) as const satisfies ImageFormat;

/** Resize(256) and CenterCrop(224), in the same proportion for other sides; the short side is rounded down. */
const evaluationOf = (side: number) => ({
  resize: Math.floor((side * RESIZED) / SIDE),
  crop: side,
});

/** The paper's runs on ImageNet. */
const DEFAULTS = {
  ...{ batch_size: 256, learning_rate: 0.1, epochs: 100, weight_decay: 1e-4 },
  lr_decay_epochs: [30, 60, 90],
} as const;

const FOLDERS: HalfFolders = { train: ["train"], test: ["val", "test"] };

/** Training images rule which classes there are. */
function listFolder(directory: string, part: PartName): Listing {
  const folder = halfFolder(directory, part, FOLDERS);
  const known = part === "train" ? undefined : knownClasses(directory, FOLDERS);
  return listClassFolders(directory, folder, known);
}

/** @param side of the images as a model sees them */
const folderOf = (side: number) => {
  const format = formatOf(side);
  const evaluation = evaluationOf(side);
  return {
    synthesize,
    ...{ name: "folder", title: "Folders of images", format, evaluation },
    defaults: { data: "data/images", ...DEFAULTS },
    byHand:
      "Put your own images into DIR/train/CLASS/ and DIR/val/CLASS/, and name DIR with --data.",
    ...folderReaders({ name: "folder", format, evaluation, folders: FOLDERS, list: listFolder }),
  } satisfies DatasetRow;
};

/** Any images that are sorted into folders of classes: DIR/train/CLASS/*.jpg and DIR/val/CLASS/*.jpg. */
export const FOLDER = { ...folderOf(SIDE), sized: folderOf } satisfies DatasetRow;

/** @param side of the images as a model sees them */
const imageNetOf = (side: number) => {
  const format = formatOf(side);
  const evaluation = evaluationOf(side);
  return {
    ...{ name: "imagenet", title: "ImageNet", format, evaluation },
    defaults: { data: "data/imagenet", ...DEFAULTS },
    byHand:
      "With an account, bring ILSVRC2012_img_train.tar (md5 1d675b47d978889d74fa0da5fadfb00e) and ILSVRC2012_img_val.tar " +
      "(29b22e2961454d5413ddabcf34fc5622) from image-net.org and sort them into DIR/train/WNID/ and DIR/val/WNID/, or unpack " +
      "Kaggle's archive as it is.",
    ...folderReaders({
      ...{ name: "imagenet", format, evaluation },
      ...{ folders: IMAGENET_FOLDERS, list: listImageNet, names: imageNetNames },
    }),
  } satisfies DatasetRow;
};

/** ImageNet (ILSVRC 2012), sorted into folders of classes or as Kaggle has it. */
export const IMAGENET = { ...imageNetOf(SIDE), sized: imageNetOf } satisfies DatasetRow;
