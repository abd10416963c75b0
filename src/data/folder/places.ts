import { statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import type { PartName } from "../binary/part.js";

/** Folders that each half may lie in, below the data folder; the first that is there is taken. */
export type HalfFolders = Readonly<Record<PartName, readonly string[]>>;

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Whether a half's folder is there. */
export const hasHalf = (directory: string, part: PartName, folders: HalfFolders): boolean =>
  folders[part].some((name) => isFolder(join(directory, name)));

/** The folder of a half, below the data folder. @throws inputError that says what is expected where there is none */
export function halfFolder(directory: string, part: PartName, folders: HalfFolders): string {
  const found = folders[part].find((name) => isFolder(join(directory, name)));
  if (found !== undefined) return found;
  if (!isFolder(directory)) {
    throw inputError(
      `The data folder ${directory} does not exist.`,
      "Name the folder that holds train and val with --data DIR.",
    );
  }
  throw inputError(
    `${directory} has no folder ${folders[part][0]}.`,
    `Put a folder for each class into ${join(directory, folders[part][0] ?? "")}.`,
  );
}
