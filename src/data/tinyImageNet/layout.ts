import { inputError } from "../../common/errors.js";
import type { PartName } from "../binary/part.js";
import { byName } from "../folder/listing.js";
import { CLASSES_FILE, type Tree } from "./tree.js";

/** One half: paths of its images, in order, with their classes. */
export interface Half {
  readonly names: readonly string[];
  readonly labels: Uint8Array;
}

/** Labels are bytes. */
const MOST_CLASSES = 256;

const ANNOTATIONS = "val/val_annotations.txt";
const WORDS = "words.txt";

const textOf = (tree: Tree, name: string): string => Buffer.from(tree.read(name)).toString();

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");

/** The classes' wnids, sorted by name, as torchvision's ImageFolder numbers the folders of training images. */
export function wnidsOf(tree: Tree): string[] {
  const wnids = [...new Set(linesOf(textOf(tree, CLASSES_FILE)))].sort(byName);
  if (wnids.length > 0 && wnids.length <= MOST_CLASSES) return wnids;
  throw inputError(`${CLASSES_FILE} in ${tree.place} names ${wnids.length} classes, expected 200.`);
}

/** What classes are called, by words.txt; their wnids where it does not tell. */
export function wordsOf(tree: Tree): readonly string[] {
  const wnids = wnidsOf(tree);
  if (!hasFile(tree, WORDS)) return wnids;
  const words = new Map(
    linesOf(textOf(tree, WORDS)).map((line) => line.split("\t") as [string, string]),
  );
  return wnids.map((wnid) => words.get(wnid) || wnid);
}

function hasFile(tree: Tree, name: string): boolean {
  try {
    tree.read(name);
    return true;
  } catch {
    return false;
  }
}

/** Published are JPEGs; synthetic images are PNGs. */
const IMAGE = /\.(jpe?g|png)$/i;

/** The wnid that each path has among its folders; val's annotations tell those that have none. */
function wnidsByPath(tree: Tree, names: readonly string[]): (string | undefined)[] {
  const told = annotations(tree);
  return names.map((name) => {
    const [, folder = "", ...rest] = name.split("/");
    const file = rest.at(-1) ?? folder;
    return folder === "images" || rest.length === 0 ? told.get(file) : folder;
  });
}

function annotations(tree: Tree): ReadonlyMap<string, string> {
  if (!hasFile(tree, ANNOTATIONS)) return new Map();
  const lines = linesOf(textOf(tree, ANNOTATIONS)).map((line) => line.split("\t"));
  return new Map(lines.map(([file = "", wnid = ""]) => [file, wnid]));
}

/**
 * The images of a half: of training those in folders of classes, of testing the validation images, whose classes
 * val_annotations.txt tells (or folders, where somebody has sorted them).
 * @throws inputError for images whose class is not told or not known, and for classes without images
 */
export function halfOf(tree: Tree, part: PartName): Half {
  const folder = part === "train" ? "train/" : "val/";
  const names = tree.names
    .filter((name) => name.startsWith(folder) && IMAGE.test(name))
    .sort(byName);
  const wnids = wnidsOf(tree);
  const labelOf = new Map(wnids.map((wnid, label) => [wnid, label]));
  const labels = Uint8Array.from(wnidsByPath(tree, names), (wnid, i) => {
    const label = wnid === undefined ? undefined : labelOf.get(wnid);
    if (label !== undefined) return label;
    throw inputError(
      wnid === undefined
        ? `${ANNOTATIONS} in ${tree.place} does not tell the class of ${names[i]}.`
        : `${names[i]} in ${tree.place} is of the class ${wnid}, which ${CLASSES_FILE} does not name.`,
      "Take the archive as it is published; `pefd data fetch tiny-imagenet` brings it.",
    );
  });
  const missing = wnids.findIndex((_, label) => !labels.includes(label));
  if (missing < 0) return { names, labels };
  throw inputError(`${tree.place} has no image of the class ${wnids[missing]} in ${folder}.`);
}
