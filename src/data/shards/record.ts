import { join } from "node:path";
import { parseBoundedJson } from "../../common/boundedJson.js";
import { inputError } from "../../common/errors.js";
import { readInputText } from "../../common/files/inputFile.js";
import type { PartName } from "../binary/records.js";

/** Beside the shards that `pefd data pack` writes: what they hold. It is written last. */
export const RECORD_FILE = "shards.json";

export interface ShardFile {
  readonly file: string;
  readonly bytes: number;
  readonly images: number;
  readonly sha256: string;
}

export interface ShardHalf {
  readonly images: number;
  /** Images of each class. */
  readonly perClass: readonly number[];
  readonly shards: readonly ShardFile[];
}

export interface ShardRecord {
  /** The data set that was packed, as --dataset names it. */
  readonly dataset: string;
  /** How images were changed: "short side 256, JPEG quality 90"; omitted where their bytes are unchanged. */
  readonly reencoded?: string;
  readonly note?: string;
  /** Folders of the classes by their numbers, and what classes are called. */
  readonly classes: readonly string[];
  readonly classNames: readonly string[];
  readonly halves: Partial<Readonly<Record<PartName, ShardHalf>>>;
}

/** 65,536 classes with two names and two counts each, or 100,000 shards. */
const BOUNDS = { depth: 8, values: 1_000_000 };
const MOST_BYTES = 2 ** 26;

/** The record as a file. */
export const recordText = (record: ShardRecord): string => `${JSON.stringify(record, null, 1)}\n`;

const isText = (value: unknown): boolean => typeof value === "string";
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isListOf = (value: unknown, is: (item: unknown) => boolean): boolean => Array.isArray(value) && value.every(is);

/** A name in the folder itself, whatever the record says. */
const isFileName = (value: unknown): boolean => typeof value === "string" && /^[^/\\\p{Cc}]+\.tar$/u.test(value);

function isShard(value: unknown): boolean {
  const { file, bytes, images, sha256 } = Object(value) as Record<string, unknown>;
  return isFileName(file) && isCount(bytes) && isCount(images) && isText(sha256);
}

function isHalf(value: unknown): boolean {
  if (value === undefined) return true;
  const { images, perClass, shards } = Object(value) as Record<string, unknown>;
  return isCount(images) && isListOf(perClass, isCount) && isListOf(shards, isShard);
}

function isRecord(value: unknown): value is ShardRecord {
  const { dataset, reencoded, classes, classNames, halves } = Object(value);
  const { train, test } = Object(halves);
  return (
    isText(dataset) &&
    (reencoded === undefined || isText(reencoded)) &&
    isListOf(classes, isText) &&
    isListOf(classNames, isText) &&
    classes.length === classNames.length &&
    isHalf(train) &&
    isHalf(test)
  );
}

/** The record beside a folder's shards; undefined where there is none. @throws inputError for a damaged one */
export function readShardRecord(folder: string): ShardRecord | undefined {
  const path = join(folder, RECORD_FILE);
  let problem = "it was not written by `pefd data pack`";
  try {
    const record = parseBoundedJson(readInputText(path, { maxBytes: MOST_BYTES }), BOUNDS);
    if (isRecord(record)) return record;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    problem = message.replace(/\.$/, "");
  }
  throw inputError(
    `The record ${path} cannot be used: ${problem}.`,
    "Pack the images again (`pefd data pack`), or remove the file: shards work without it.",
  );
}
