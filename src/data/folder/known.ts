import { join } from "node:path";
import { classFolders } from "./listing.js";
import { type HalfFolders, halfFolder, hasHalf } from "./places.js";

/**
 * The classes of the training images, by the names of their folders; undefined where these are not there, as beside
 * validation images that are only evaluated on.
 */
export function knownClasses(directory: string, folders: HalfFolders): string[] | undefined {
  if (!hasHalf(directory, "train", folders)) return undefined;
  return classFolders(join(directory, halfFolder(directory, "train", folders)));
}
