import { statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { damagedTar } from "../archive/tarMembers.js";
import type { PartName } from "../binary/part.js";
import type { Listing } from "../folder/listing.js";
import { shardFiles } from "./find.js";
import { RECORD_FILE, readShardRecord, type ShardRecord } from "./record.js";
import { type ShardSample, samplesOf } from "./samples.js";

/** How sentences name a half's shards. */
const NAMES: Readonly<Record<PartName, string>> = { train: "train", test: "val" };

/** Samples of the shards that a record tells, held against it. */
function recordedSamples(directory: string, part: PartName, record: ShardRecord): ShardSample[] {
  const shards = record.halves[part]?.shards ?? [];
  return shards.flatMap(({ file, bytes, images }) => {
    const path = join(directory, file);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) {
      throw inputError(
        `${path} is missing, a shard that ${RECORD_FILE} tells of.`,
        "Bring all shards of the folder, or pack the images again.",
      );
    }
    if (size !== bytes) throw damagedTar(path, `it has ${size} bytes instead of ${bytes}`);
    const samples = samplesOf(path, file);
    if (samples.length === images) return samples;
    throw damagedTar(path, `it holds ${samples.length} images instead of ${images}`);
  });
}

const samplesIn = (directory: string, part: PartName, record?: ShardRecord): ShardSample[] =>
  record !== undefined
    ? recordedSamples(directory, part, record)
    : shardFiles(directory, part).flatMap((file) => samplesOf(join(directory, file), file));

/** Classes of shards without a record have numbers only: those of the training images, where they are there. */
function numberedClasses(samples: readonly ShardSample[], isTrain: boolean): string[] {
  const labels = new Set(samples.map(({ label }) => label));
  const classes = Array.from({ length: Math.max(...labels) + 1 }, (_, label) => `${label}`);
  const missing = isTrain ? classes.find((_, label) => !labels.has(label)) : undefined;
  if (missing === undefined) return classes;
  throw inputError(
    `No training image is of the class ${missing}, though there are some of the class ${Math.max(...labels)}.`,
    "Labels of shards (.cls) count classes from 0 and leave none out.",
  );
}

function classesOf(directory: string, part: PartName, samples: readonly ShardSample[]): string[] {
  const isTrain = part === "train";
  const others = isTrain ? [] : samplesIn(directory, "train");
  return numberedClasses(others.length > 0 ? others : samples, isTrain || others.length > 0);
}

/** Whether a folder holds shards of a half. @throws inputError for a damaged record */
export function hasShards(directory: string, part: PartName): boolean {
  const record = readShardRecord(directory);
  if (record !== undefined) return record.halves[part] !== undefined;
  return shardFiles(directory, part).length > 0;
}

/**
 * Lists a half of a data set in shards: the images in the shards' order, which is the folder's where `pefd data pack` made
 * them.
 * @throws inputError for shards that are missing, damaged or lack something
 */
export function listShards(directory: string, part: PartName): Listing {
  const record = readShardRecord(directory);
  const samples = samplesIn(directory, part, record);
  if (samples.length === 0) {
    throw inputError(
      `${directory} has no shards of ${part === "train" ? "training" : "test"} images.`,
      `Their names begin with ${NAMES[part]}, as ${NAMES[part]}-000000.tar.`,
    );
  }
  const classes = record?.classes ?? classesOf(directory, part, samples);
  const beyond = samples.find(({ label }) => label >= classes.length);
  if (beyond !== undefined) {
    throw inputError(
      `${beyond.name} in ${join(directory, beyond.part.file)} is of the class ${beyond.label}; there are ${classes.length} classes, from 0.`,
      "Bring shards of training and of test images of the same data set together.",
    );
  }
  return {
    classes,
    images: samples,
    ...(record?.reencoded !== undefined && { reencoded: record.reencoded }),
  };
}

/** What classes are called, as a record beside the shards tells. @throws inputError for a damaged record */
export const shardClassNames = (directory: string): readonly string[] | undefined =>
  readShardRecord(directory)?.classNames;
