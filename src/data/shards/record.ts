import { join } from "node:path";
import { z } from "zod";
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

const count = z.int().nonnegative();
const texts = z.array(z.string());

const shard = z.object({
  /** A name in the folder itself, whatever the record says. */
  file: z.string().regex(/^[^/\\\p{Cc}]+\.tar$/u),
  bytes: count,
  images: count,
  sha256: z.string(),
});

const half = z.object({ images: count, perClass: z.array(count), shards: z.array(shard) }).optional();

const schema = z
  .object({
    dataset: z.string(),
    reencoded: z.string().optional(),
    classes: texts,
    classNames: texts,
    halves: z.object({ train: half, test: half }),
  })
  .refine(({ classes, classNames }) => classes.length === classNames.length);

/** The record beside a folder's shards; undefined where there is none. @throws inputError for a damaged one */
export function readShardRecord(folder: string): ShardRecord | undefined {
  const path = join(folder, RECORD_FILE);
  let problem = "it was not written by `pefd data pack`";
  try {
    const { data } = schema.safeParse(parseBoundedJson(readInputText(path, { maxBytes: MOST_BYTES }), BOUNDS));
    if (data !== undefined) return data as ShardRecord;
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
