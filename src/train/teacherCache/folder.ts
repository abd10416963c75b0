import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { environmentError } from "../../common/errors.js";
import { writeFileAtomic } from "../../common/files/atomicFile.js";
import { makeFolder } from "../../common/files/makeFolder.js";
import type { ImageFormat } from "../../data/dataset.js";

/** To be raised when the files below change their meaning, or the key lacked something: what is there is then not used. */
const FORMAT = 2;
const KEY_FILE = "key.json";
const NAME_DIGITS = 16;

/** Everything that the bits of a teacher's outputs depend on. */
export interface CacheKey {
  readonly model: string;
  readonly weightsSha256: string;
  /** Of the whole training file: entries are numbered by the place in it. */
  readonly imagesSha256: string;
  /** How images are shown: size, normalisation, and the augmentation, by which variants are numbered. */
  readonly images: ImageFormat;
  /** Of the plug-ins that the teacher's model or the data set is from; left out where neither is from one. */
  readonly pluginsSha256?: string | undefined;
  readonly engine: string;
  readonly precision: string;
  readonly batchSize: number;
  readonly device: string;
  readonly tensorflow: string;
  /** See kernelSet in runtime/ownOps.ts. */
  readonly kernels: string | undefined;
  /** What the teacher makes of a probe; left out where that varies from process to process (a GPU). */
  readonly fingerprint?: string;
}

/**
 * The folder that belongs to a key, made where it is missing. What the key was is in it, for people.
 * @throws environmentError when it cannot be made
 */
export async function cacheFolder(cacheDirectory: string, key: CacheKey): Promise<string> {
  const text = `${JSON.stringify({ format: FORMAT, ...key }, undefined, 2)}\n`;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, NAME_DIGITS);
  const folder = join(cacheDirectory, "teacher", `${key.model}-${hash}`);
  try {
    makeFolder(folder);
    const path = join(folder, KEY_FILE);
    if (!existsSync(path)) await writeFileAtomic(path, text);
  } catch (error) {
    throw unusable(folder, error);
  }
  return folder;
}

/** What a cache folder that cannot be made or opened is to people. */
export const unusable = (folder: string, cause: unknown) =>
  environmentError(
    `The teacher's outputs cannot be kept in ${folder}: ${(cause as Error).message.replace(/\.$/, "")}.`,
    "Set PEFD_CACHE to a folder that can be written, or leave --teacher_cache out.",
  );
