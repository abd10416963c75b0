import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseBoundedJson } from "../../common/boundedJson.js";
import { inputError } from "../../common/errors.js";
import { damagedTar, type ReadMember, type TarMember, visitTar } from "../archive/tarMembers.js";
import type { PartName } from "../binary/records.js";
import { byName, entriesOf, isImage, type Listing } from "../folder/listing.js";
import type { FilePart } from "../images/places.js";
import { RECORD_FILE, readShardRecord, type ShardRecord } from "./record.js";

interface ShardSample {
  /** As its .json calls it, or its place in the shard. */
  readonly name: string;
  readonly label: number;
  readonly part: FilePart;
}

const MOST_LABEL = 65_535;
const MOST_DIGITS = 16;

/** Of a .json; a larger one is not looked into. */
const MOST_JSON = 2 ** 16;

/** WebDataset's rule: files of one sample are called alike up to the first dot behind the folder. */
const FILE = /^((?:.*\/)?[^./][^./]*)\.([^/]+)$/;

type Open = { readonly key: string; readonly images: TarMember[]; label?: number; name?: string };

/** A name that can stand in a line of its own. */
const NAME = /^[^\p{Cc}]{1,1000}$/u;

function filenameIn(text: string): string | undefined {
  try {
    const { filename } = Object(parseBoundedJson(text)) as { filename?: unknown };
    return typeof filename === "string" && NAME.test(filename) ? filename : undefined;
  } catch {
    return undefined;
  }
}

const what = (shard: string, key: string): string => `The sample ${key} in ${shard}`;

function labelIn(text: string, shard: string, key: string): number {
  const label = /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  if (label <= MOST_LABEL) return label;
  throw inputError(`${what(shard, key)} has a .cls that is not a class index from 0 to ${MOST_LABEL}.`);
}

/** @throws inputError for a sample that lacks something */
function closed({ key, images, label, name }: Open, path: string, shard: string): ShardSample {
  const [image, second] = images;
  if (image === undefined) {
    throw inputError(
      `${what(path, key)} contains no JPEG, PNG, BMP or WebP image.`,
      "A sample is KEY.jpg (or png, bmp, webp), KEY.cls and optionally KEY.json.",
    );
  }
  if (second !== undefined) {
    throw inputError(
      `${what(path, key)} contains two images, ${image.name} and ${second.name}.`,
      "Samples must have one image each.",
    );
  }
  if (label === undefined) {
    throw inputError(
      `${what(path, key)} has no ${key}.cls, the class of ${image.name}.`,
      "A sample is KEY.jpg and KEY.cls, which contains the class index, from 0.",
    );
  }
  const { offset, length } = image;
  return { name: name ?? `${shard}/${image.name}`, label, part: { file: shard, offset, length } };
}

function add(open: Open, ending: string, member: TarMember, read: ReadMember, path: string): void {
  if (ending === "cls") {
    const text = read({ ...member, length: Math.min(member.length, MOST_DIGITS) });
    open.label = labelIn(text.toString("latin1"), path, open.key);
  } else if (ending === "json") {
    const name = member.length > MOST_JSON ? undefined : filenameIn(read(member).toString("utf8"));
    if (name !== undefined) open.name = name;
  } else if (isImage(member.name)) open.images.push(member);
}

/** Samples of a WebDataset shard, by headers only. @throws inputError for damage, or samples without image or class */
function samplesOf(path: string, shard: string): ShardSample[] {
  const samples: ShardSample[] = [];
  let open: Open | undefined;
  const close = () => {
    if (open !== undefined) samples.push(closed(open, path, shard));
  };
  visitTar(path, (member, read) => {
    const [, key, ending] = FILE.exec(member.name) ?? [];
    // Files that begin with two lines are of the shard, not of a sample.
    if (key === undefined || ending === undefined || key.startsWith("__")) return;
    if (open?.key !== key) {
      close();
      open = { key, images: [] };
    }
    add(open, ending.toLowerCase(), member, read, path);
  });
  close();
  if (samples.length > 0) return samples;
  throw inputError(`${path} contains no samples.`, "A WebDataset shard contains KEY.jpg and KEY.cls for each image.");
}

/** Words in a shard's name, or of a folder of shards, that name its split; the first that are found count. */
const WORDS: Readonly<Record<PartName, readonly (readonly string[])[]>> = {
  train: [["train", "training"]],
  test: [["val", "valid", "validation"], ["test"]],
};

const wordsOf = (name: string): string[] => name.toLowerCase().split(/[^a-z]+/);

const shardsIn = (folder: string): string[] =>
  existsSync(folder) ? entriesOf(folder).files.filter((name) => /^[^.].*\.tar$/.test(name)) : [];

/** Shards of a split, below the data folder, by their names: DIR/*train*.tar, DIR/train/*.tar and the like. */
function shardFiles(directory: string, part: PartName): string[] {
  const own = shardsIn(directory);
  for (const words of WORDS[part]) {
    const named = own.filter((name) => wordsOf(name).some((word) => words.includes(word)));
    if (named.length > 0) return named.sort(byName);
    for (const folder of words) {
      const found = shardsIn(join(directory, folder));
      if (found.length > 0) return found.sort(byName).map((name) => join(folder, name));
    }
  }
  return [];
}

/** How sentences name a split's shards. */
const NAMES: Readonly<Record<PartName, string>> = { train: "train", test: "val" };

function recordedSamples(directory: string, part: PartName, record: ShardRecord): ShardSample[] {
  const shards = record.halves[part]?.shards ?? [];
  return shards.flatMap(({ file, bytes, images }) => {
    const path = join(directory, file);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) {
      throw inputError(
        `${path}, a shard listed in ${RECORD_FILE}, is missing.`,
        "Restore all shards of the folder, or pack the images again.",
      );
    }
    if (size !== bytes) throw damagedTar(path, `it has ${size} bytes instead of ${bytes}`);
    const samples = samplesOf(path, file);
    if (samples.length === images) return samples;
    throw damagedTar(path, `it contains ${samples.length} images instead of ${images}`);
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
    `Class ${missing} has no training images, but class ${Math.max(...labels)} does.`,
    "Labels of shards (.cls) are class indices from 0 without gaps.",
  );
}

function classesOf(directory: string, part: PartName, samples: readonly ShardSample[]): string[] {
  const isTrain = part === "train";
  const others = isTrain ? [] : samplesIn(directory, "train");
  return numberedClasses(others.length > 0 ? others : samples, isTrain || others.length > 0);
}

/** Whether a folder holds shards of a split. @throws inputError for a damaged record */
export function hasShards(directory: string, part: PartName): boolean {
  const record = readShardRecord(directory);
  if (record !== undefined) return record.halves[part] !== undefined;
  return shardFiles(directory, part).length > 0;
}

/** Lists a split in shards, in their order. @throws inputError for shards that are missing, damaged or incomplete */
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
      `${beyond.name} in ${join(directory, beyond.part.file)} has the class ${beyond.label}; there are ${classes.length} classes, from 0.`,
      "Use training and test shards of the same data set.",
    );
  }
  return { classes, images: samples, ...(record?.reencoded !== undefined && { reencoded: record.reencoded }) };
}

/** Class names from the record of shards. @throws inputError for a damaged record */
export const shardClassNames = (directory: string): readonly string[] | undefined =>
  readShardRecord(directory)?.classNames;
