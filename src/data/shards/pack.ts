import { readdirSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { inputError } from "../../common/errors.js";
import { writeFileAtomic } from "../../common/files/atomicFile.js";
import { makeFolderAtomic } from "../../common/files/atomicFolder.js";
import { makeFolder } from "../../common/files/makeFolder.js";
import type { PartName } from "../binary/part.js";
import type { PackableHalf, PackableSet } from "../dataset.js";
import { type ImagePlaces, readImage } from "../images/places.js";
import { RECORD_FILE, recordText, type ShardHalf, type ShardRecord } from "./record.js";
import { openShardWriter } from "./write.js";

/** The bytes of an image as they are packed. */
export interface PackedImage {
  readonly bytes: Uint8Array;
  /** Whether they were made a JPEG, whatever they were before. */
  readonly isNewJpeg?: boolean;
}

/** Reads the images of a half in their order. @throws runError for one that cannot be used */
export type ReadImages = (places: ImagePlaces, count: number) => AsyncIterable<PackedImage>;

/** How a set is packed. */
export interface PackSettings {
  /** The folder that takes the shards; it may not hold anything. */
  readonly out: string;
  /** Of a shard. */
  readonly mostBytes: number;
  /** How images are changed; they are packed as they are where it is left out. */
  readonly reencoding?: { readonly words: string; readonly read: ReadImages } | undefined;
  /** Aborts it: nothing is left then. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (packed: number, images: number) => void;
}

/** Each image's bytes as they are. */
async function* asTheyAre(places: ImagePlaces, count: number): AsyncIterable<PackedImage> {
  for (let i = 0; i < count; i++) yield { bytes: readImage(places, i) };
}

const KEY_DIGITS = 8;

/** Files of images are called alike by their readers: .JPEG is .jpg. */
function endingOf(name: string): string {
  const ending = extname(name).slice(1).toLowerCase();
  return ending === "jpeg" ? "jpg" : ending;
}

/** @throws inputError where something is in the way */
function refuseOccupied(out: string): void {
  let names: string[] = [];
  try {
    names = readdirSync(out);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw inputError(`${out} cannot be written into: ${(error as Error).message}.`);
  }
  if (names.length === 0) return;
  throw inputError(
    `${out} holds ${names.length === 1 ? "a file" : "files"} already (${names[0]}); it is left as it is.`,
    "Name another folder with --out DIR, or remove this one.",
  );
}

/** Names of shards begin as those of folders do. */
const STARTS: Readonly<Record<PartName, string>> = { train: "train", test: "val" };

/** Waits for what signals and progress have to do. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Between two such waits. */
const IMAGES_AT_ONCE = 16;

/**
 * Packs a data set into WebDataset shards, whose images are in the same order.
 * @param dataset as --dataset names it
 * @returns the record, which lies beside the shards
 * @throws inputError for a folder that holds something; runError for an image that cannot be read, or a full disk. Nothing
 *   is left then: all is written beside its place, and renamed when it is complete.
 */
export async function packImages(
  dataset: string,
  set: PackableSet,
  settings: PackSettings,
): Promise<ShardRecord> {
  const { out, mostBytes, reencoding, signal, onProgress } = settings;
  refuseOccupied(out);
  if (reencoding !== undefined && set.reencoded !== undefined) {
    throw inputError(
      `These images were re-encoded already: ${set.reencoded}.`,
      "Make smaller ones from the images as they were.",
    );
  }
  const { classes, classNames } = set;
  const reencoded = reencoding?.words ?? set.reencoded;
  const halves = Object.entries(set.halves) as [PartName, PackableHalf][];
  const total = halves.reduce((sum, [, { names }]) => sum + names.length, 0);
  let packed = 0;

  async function packHalf(folder: string, part: PartName, half: PackableHalf): Promise<ShardHalf> {
    const writer = openShardWriter(folder, STARTS[part], mostBytes);
    const perClass = classes.map(() => 0);
    let index = 0;
    for await (const image of (reencoding?.read ?? asTheyAre)(half.places, half.names.length)) {
      const [filename, label] = [half.names[index] as string, half.labels[index] as number];
      const told = { filename, label, class: classes[label], ...(reencoded && { reencoded }) };
      const key = String(index).padStart(KEY_DIGITS, "0");
      const ending = image.isNewJpeg ? "jpg" : endingOf(filename);
      writer.add({ key, ending, image: image.bytes, label, told });
      perClass[label] = (perClass[label] ?? 0) + 1;
      index++;
      onProgress?.(++packed, total);
      if (packed % IMAGES_AT_ONCE === 0) await breathe();
      signal?.throwIfAborted();
    }
    return { images: index, perClass, shards: writer.close() };
  }

  let record: ShardRecord | undefined;
  makeFolder(dirname(resolve(out)));
  await makeFolderAtomic(out, async (folder) => {
    const made: [PartName, ShardHalf][] = [];
    for (const [part, half] of halves) made.push([part, await packHalf(folder, part, half)]);
    record = {
      dataset,
      ...(reencoded && {
        reencoded,
        note: `Not comparable: images were re-encoded (${reencoded}).`,
      }),
      ...{ classes, classNames, halves: Object.fromEntries(made) },
    };
    await writeFileAtomic(join(folder, RECORD_FILE), recordText(record));
  });
  return record as ShardRecord;
}
