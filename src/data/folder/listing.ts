import { type Dirent, readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { inputError } from "../../common/errors.js";
import type { PartName } from "../binary/records.js";
import { createNameList, type FilePart, type NameList } from "../images/places.js";

/** One image of a split: its path below the data folder, and its class. */
export interface ListedImage {
  readonly name: string;
  readonly label: number;
  /** Where it lies, in a shard; omitted for a file of its own. */
  readonly part?: FilePart;
}

/** Images of a split, in order; an array is one, too. */
export interface ImageList extends Iterable<ListedImage> {
  readonly length: number;
  at(index: number): ListedImage | undefined;
  /** All names, where they lie as letters already. */
  readonly names?: NameList;
}

type GrowingList = ImageList & { add(names: readonly string[], label: number): void };

function createImageList(): GrowingList {
  const names = createNameList();
  const labels: number[] = [];
  const imageAt = (index: number): ListedImage => ({ name: names.at(index), label: labels[index] as number });
  return {
    names,
    get length() {
      return labels.length;
    },
    at: (index) => (index < labels.length ? imageAt(index) : undefined),
    add(added, label) {
      for (const name of added) {
        names.add(name);
        labels.push(label);
      }
    },
    *[Symbol.iterator]() {
      for (let i = 0; i < labels.length; i++) yield imageAt(i);
    },
  };
}

/** The images that some indices name. */
export const imagesAt = (list: ImageList, indices: Int32Array): ImageList => ({
  length: indices.length,
  at: (index) => (index < indices.length ? list.at(indices[index] as number) : undefined),
  *[Symbol.iterator]() {
    for (const index of indices) yield list.at(index) as ListedImage;
  },
});

/** Their names, one after the other. */
export function* namesOf(list: ImageList): Generator<string> {
  for (const { name } of list) yield name;
}

/** The classes of listed images. */
export function labelsOf(list: ImageList): Uint16Array {
  const labels = new Uint16Array(list.length);
  let i = 0;
  for (const { label } of list) labels[i++] = label;
  return labels;
}

/** Folders that each split may lie in, below the data folder; the first that is there is taken. */
export type HalfFolders = Readonly<Record<PartName, readonly string[]>>;

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Whether a split's folder is there. */
export const hasHalf = (directory: string, part: PartName, folders: HalfFolders): boolean =>
  folders[part].some((name) => isFolder(join(directory, name)));

/** The folder of a split, below the data folder. @throws inputError that says what is expected where there is none */
export function halfFolder(directory: string, part: PartName, folders: HalfFolders): string {
  const found = folders[part].find((name) => isFolder(join(directory, name)));
  if (found !== undefined) return found;
  if (!isFolder(directory)) {
    throw inputError(
      `The data folder ${directory} does not exist.`,
      "Give the folder that contains train and val with --data DIR.",
    );
  }
  throw inputError(
    `${directory} has no folder ${folders[part][0]}.`,
    `Put a folder for each class into ${join(directory, folders[part][0] ?? "")}.`,
  );
}

export interface Listing {
  /** Names of the classes in the order of their labels. */
  readonly classes: readonly string[];
  readonly images: ImageList;
  /** How the images were changed when they were packed; omitted where they are unchanged. */
  readonly reencoded?: string;
}

/** Endings of the files that are read, and of images that others read and this program does not. */
const READ: ReadonlySet<string> = new Set([".jpg", ".jpeg", ".png", ".bmp", ".webp"]);
const UNREAD: ReadonlySet<string> = new Set([".ppm", ".pgm", ".tif", ".tiff", ".gif"]);

/** A unit of UTF-16 by which characters are in the order of their code points: surrogates come behind all others. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** As Python's sorted() has text: by code points. */
export function byName(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Whether a name is that of an image that is read. @throws inputError for an image of another format */
export function isImage(path: string): boolean {
  const ending = extname(path).toLowerCase();
  if (!UNREAD.has(ending)) return READ.has(ending);
  throw inputError(
    `${path} is an image in an unsupported format.`,
    "Convert it to PNG or JPEG, or move it away; JPEG, PNG, BMP and WebP are supported.",
  );
}

/** Folder entries, symlinks followed. @throws inputError where it cannot be read */
export function entriesOf(folder: string): { folders: string[]; files: string[] } {
  const isFolder = (entry: Dirent): boolean =>
    entry.isSymbolicLink()
      ? statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory() === true
      : entry.isDirectory();
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    const folders = new Set(entries.filter(isFolder).map(({ name }) => name));
    const files = entries.map(({ name }) => name).filter((name) => !folders.has(name));
    return { folders: [...folders].sort(byName), files: files.sort(byName) };
  } catch (error) {
    throw inputError(`The folder ${folder} cannot be read: ${(error as Error).message}.`);
  }
}

/** Folders within each other; deeper ones are a circle of links. */
const DEEPEST = 32;

/** Paths of images in a folder and below: a folder's own before those of folders in it, as torchvision has them. */
function imagesBelow(root: string, folder: string, depth = 0): string[] {
  if (depth > DEEPEST) throw inputError(`${join(root, folder)} is nested too deeply.`);
  const { folders, files } = entriesOf(join(root, folder));
  const own = files.map((name) => join(folder, name)).filter((name) => isImage(join(root, name)));
  return [...own, ...folders.flatMap((name) => imagesBelow(root, join(folder, name), depth + 1))];
}

const isHidden = (name: string): boolean => name.startsWith(".");

/** Class folders in a split's folder, sorted as torchvision's ImageFolder does; none in a flat one. */
export const classFolders = (path: string): string[] => entriesOf(path).folders.filter((name) => !isHidden(name));

/** Lists a split by class folders; `known` are the training images' classes. @throws inputError for other ones */
export function listClassFolders(directory: string, folder: string, known?: readonly string[]): Listing {
  const path = join(directory, folder);
  const classes = classFolders(path);
  if (classes.length === 0) throw noClasses(path, entriesOf(path).files.some(isImage));
  if (known !== undefined) refuseOthers(path, classes, known);
  const images = createImageList();
  for (const [label, name] of classes.entries()) {
    const found = imagesBelow(directory, join(folder, name));
    if (found.length === 0) throw noImages(join(path, name));
    images.add(found, label);
  }
  return { classes, images };
}

const noImages = (path: string) =>
  inputError(
    `The class folder ${path} contains no JPEG, PNG, BMP or WebP image.`,
    "Put its images there, or move the empty folder away.",
  );

/** The error for a split's folder without class folders. */
export const flatText = (path: string): string =>
  `${path} contains images but no class folders: their classes are unknown.`;

function noClasses(path: string, isFlat: boolean) {
  return isFlat
    ? inputError(flatText(path), "Sort the images into a folder for each class, named as those of the training images.")
    : inputError(`${path} contains no class folders.`, "A folder of images has train/CLASS/*.jpg and val/CLASS/*.jpg.");
}

function refuseOthers(path: string, classes: readonly string[], known: readonly string[]): void {
  const missing = known.filter((name) => !classes.includes(name));
  const extra = classes.filter((name) => !known.includes(name));
  const list = (names: readonly string[]) =>
    `${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""}`;
  const problems = [
    ...(missing.length > 0 ? [`lacks ${list(missing)}`] : []),
    ...(extra.length > 0 ? [`also has ${list(extra)}`] : []),
  ];
  if (problems.length === 0) return;
  throw inputError(
    `${path} does not have the classes of the training images: it ${problems.join(", and ")}.`,
    "Both need the same class folders, with the same names.",
  );
}
