import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { inputError } from "../../common/errors.js";
import { readInputText } from "../../common/files/inputFile.js";
import type { PartName } from "../binary/part.js";
import type { ListedImage } from "./imageList.js";
import { knownClasses } from "./known.js";
import {
  byName,
  classFolders,
  entriesOf,
  flatText,
  isImage,
  type Listing,
  listClassFolders,
} from "./listing.js";
import { type HalfFolders, halfFolder } from "./places.js";

/** Where Kaggle's archive has its images. */
const KAGGLE = "ILSVRC/Data/CLS-LOC";
/** Folders of the halves. */
export const IMAGENET_FOLDERS: HalfFolders = {
  train: ["train", join(KAGGLE, "train")],
  test: ["val", join(KAGGLE, "val")],
};

/** Kaggle's file that tells the classes of the validation images, which lie in one folder there. */
const SOLUTION = "LOC_val_solution.csv";

/** 50,000 lines of up to some hundred letters. */
const MOST_BYTES = 2 ** 26;

/** Lists a half of ImageNet. @throws inputError for a folder that cannot be read as ImageNet */
export function listImageNet(directory: string, part: PartName): Listing {
  const folder = halfFolder(directory, part, IMAGENET_FOLDERS);
  if (part === "train") return listClassFolders(directory, folder);
  const known = knownClasses(directory, IMAGENET_FOLDERS);
  if (classFolders(join(directory, folder)).length > 0) {
    return listClassFolders(directory, folder, known);
  }
  return listSolved(directory, folder, known);
}

/** The wnid of each image that a solution tells, by the image's name without its ending. */
function readSolution(file: string): ReadonlyMap<string, string> {
  const lines = readInputText(file, { maxBytes: MOST_BYTES }).split("\n").slice(1);
  const pairs = lines.map((line) => line.trim().split(/[\s,]+/));
  return new Map(pairs.flatMap(([image, wnid]) => (image && wnid ? [[image, wnid]] : [])));
}

/** Images of one folder, whose classes Kaggle's solution tells. */
function listSolved(directory: string, folder: string, trained?: readonly string[]): Listing {
  const path = join(directory, folder);
  const file = join(directory, SOLUTION);
  if (!existsSync(file)) throw flat(path, file);
  const solution = readSolution(file);
  const known = trained ?? [...new Set(solution.values())].sort(byName);
  const labels = new Map(known.map((name, label) => [name, label]));
  const names = entriesOf(path).files.filter((name) => isImage(join(path, name)));
  const images = names.map((name): ListedImage => {
    const wnid = solution.get(basename(name).replace(/\.[^.]+$/, ""));
    const label = wnid === undefined ? undefined : labels.get(wnid);
    if (label !== undefined) return { name: join(folder, name), label };
    throw inputError(
      wnid === undefined
        ? `${file} does not tell the class of ${join(path, name)}.`
        : `${join(path, name)} is of the class ${wnid} by ${file}, which the training images do not have.`,
      "Bring training images, validation images and the solution of the same archive together.",
    );
  });
  if (images.length === 0) throw inputError(`${path} holds no images.`);
  return { classes: known, images };
}

const flat = (path: string, file: string) =>
  inputError(
    flatText(path),
    `Put Kaggle's ${SOLUTION} at ${file}, or sort the images into folders named as those of the training images.`,
  );

/** What classes are called, one a line behind their wnid, in Kaggle's archive. */
const NAMES = "LOC_synset_mapping.txt";

/** Names of the classes: as Kaggle's file tells them, else those of their folders. */
export function imageNetNames(directory: string, classes: readonly string[]): readonly string[] {
  const file = join(directory, NAMES);
  if (!existsSync(file)) return classes;
  const lines = readInputText(file, { maxBytes: MOST_BYTES }).split("\n");
  const names = new Map(
    lines.map((line) => [line.split(" ", 1)[0], line.replace(/^\S+\s*/, "").trim()]),
  );
  return classes.map((wnid) => names.get(wnid) || wnid);
}
