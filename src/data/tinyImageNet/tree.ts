import { existsSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { inputError } from "../../common/errors.js";
import { openZip, openZipReader } from "../archive/zip.js";
import { howToPlace } from "../binary/dataFile.js";
import { entriesOf } from "../folder/listing.js";

/** The archive, and the folder in it. */
export const ZIP_FILE = "tiny-imagenet-200.zip";
export const FOLDER = "tiny-imagenet-200";

/** The file of the classes' names, by which the data set is known. */
export const CLASSES_FILE = "wnids.txt";

/** The files of the data set, in its archive or unpacked. */
export interface Tree {
  /** The archive or the folder. */
  readonly place: string;
  /** Paths from the data set's own folder on, with slashes. */
  readonly names: readonly string[];
  /** @throws inputError for a file that is not there or is damaged */
  read(name: string): Uint8Array;
  close(): void;
}

async function zipTree(path: string): Promise<Tree> {
  const zip = await openZip(path);
  const names = [...zip.members.keys()];
  const known = names.find((name) => posix.basename(name) === CLASSES_FILE);
  const root = known === undefined ? "" : known.slice(0, -CLASSES_FILE.length);
  const reader = openZipReader(zip);
  return {
    place: path,
    names: names.filter((name) => name.startsWith(root)).map((name) => name.slice(root.length)),
    read: (name) => reader.read(root + name),
    close: reader.close,
  };
}

function filesBelow(root: string, folder: string): string[] {
  const { folders, files } = entriesOf(join(root, folder));
  const own = files.map((name) => posix.join(folder, name));
  return [...own, ...folders.flatMap((name) => filesBelow(root, posix.join(folder, name)))];
}

function folderTree(path: string): Tree {
  return {
    place: path,
    names: ["train", "val"]
      .filter((half) => existsSync(join(path, half)))
      .flatMap((half) => filesBelow(path, half)),
    read(name) {
      try {
        return readFileSync(join(path, name));
      } catch (error) {
        throw inputError(`${join(path, name)} cannot be read: ${(error as Error).message}.`);
      }
    },
    close: () => undefined,
  };
}

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/**
 * Opens the data set: its archive, a folder with the archive in it, the folder that it unpacks to, or the one above that.
 * @throws inputError where none of these is there
 */
export async function openTree(path: string): Promise<Tree> {
  if (isFile(path)) return zipTree(path);
  for (const folder of [path, join(path, FOLDER)]) {
    if (isFile(join(folder, CLASSES_FILE))) return folderTree(folder);
  }
  if (isFile(join(path, ZIP_FILE))) return zipTree(join(path, ZIP_FILE));
  throw inputError(
    existsSync(path)
      ? `${path} holds neither ${ZIP_FILE} nor ${CLASSES_FILE}.`
      : `The data folder ${path} does not exist.`,
    howToPlace("tiny-imagenet"),
  );
}
