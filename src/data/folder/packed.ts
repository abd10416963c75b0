import { join } from "node:path";
import type { PartName } from "../binary/part.js";
import { hasShards } from "../shards/listing.js";
import { readShardRecord } from "../shards/record.js";
import { classFolders } from "./listing.js";
import { type HalfFolders, halfFolder, hasHalf } from "./places.js";

/** Both halves. */
export const PARTS: readonly PartName[] = ["train", "test"];

const hasClasses = (directory: string, part: PartName, folders: HalfFolders): boolean =>
  hasHalf(directory, part, folders) &&
  classFolders(join(directory, halfFolder(directory, part, folders))).length > 0;

/**
 * Whether a data folder holds shards: those that `pefd data pack` recorded, or any where no folders of classes are, beside
 * which archives lie as they were downloaded.
 * @throws inputError for a damaged record
 */
export function isPacked(directory: string, folders: HalfFolders): boolean {
  if (readShardRecord(directory) !== undefined) return true;
  if (PARTS.some((part) => hasClasses(directory, part, folders))) return false;
  return PARTS.some((part) => hasShards(directory, part));
}

/** Whether a data folder has a half, in folders or in shards. @throws inputError for a damaged record */
export const hasImages = (directory: string, part: PartName, folders: HalfFolders): boolean =>
  isPacked(directory, folders) ? hasShards(directory, part) : hasHalf(directory, part, folders);
