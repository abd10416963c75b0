import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readdirSync, writeSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { Header } from "tar";
import { inputError } from "../../common/errors.js";
import { makeFolder, writeFileAtomic } from "../../common/files/atomicFile.js";
import { makeFolderAtomic } from "../../common/files/atomicFolder.js";
import type { PartName } from "../binary/records.js";
import type { PackableHalf, PackableSet } from "../dataset.js";
import { type ImagePlaces, readImage } from "../images/places.js";
import { RECORD_FILE, recordText, type ShardFile, type ShardHalf, type ShardRecord } from "./record.js";

interface NewSample {
  /** Of its files, before the dot; no other sample of the split has it. */
  readonly key: string;
  /** Of the image, without the dot. */
  readonly ending: string;
  readonly image: Uint8Array;
  readonly label: number;
  /** Content of its .json. */
  readonly told: object;
}

interface ShardWriter {
  /** Adds a sample, to a new shard where it would make the last one too large. */
  add(sample: NewSample): void;
  /** Ends the last shard. @returns all of them */
  close(): ShardFile[];
}

const BLOCK = 512;

const MODE = 0o644;

/** A tar archive's end: two blocks of zeros. */
const END = Buffer.alloc(2 * BLOCK);

/** A file as it stands in a tar archive. Equal files give equal bytes: no time, no owner. */
function memberOf(path: string, bytes: Uint8Array): Uint8Array[] {
  const header = new Header({ path, size: bytes.length, mode: MODE, uid: 0, gid: 0, mtime: new Date(0), type: "File" });
  header.encode();
  const filling = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
  return [header.block as Uint8Array, bytes, filling];
}

interface OpenShard {
  readonly name: string;
  readonly file: number;
  readonly hash: ReturnType<typeof createHash>;
  bytes: number;
  images: number;
}

function put(shard: OpenShard, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(shard.file, bytes, done);
  shard.hash.update(bytes);
  shard.bytes += bytes.length;
}

function ended(shard: OpenShard): ShardFile {
  put(shard, END);
  fsyncSync(shard.file);
  closeSync(shard.file);
  const { name: file, bytes, images, hash } = shard;
  return { file, bytes, images, sha256: hash.digest("hex") };
}

/** Writes WebDataset shards of at most `mostBytes`, named such as train-000000.tar: KEY.jpg, KEY.cls, KEY.json. */
function openShardWriter(folder: string, start: string, mostBytes: number): ShardWriter {
  const shards: ShardFile[] = [];
  let open: OpenShard | undefined;

  function next(): OpenShard {
    const name = `${start}-${String(shards.length).padStart(6, "0")}.tar`;
    const file = openSync(join(folder, name), "wx");
    return { name, file, hash: createHash("sha256"), bytes: 0, images: 0 };
  }

  function end(): void {
    if (open !== undefined) shards.push(ended(open));
    open = undefined;
  }

  return {
    add({ key, ending, image, label, told }) {
      const blocks = [
        ...memberOf(`${key}.${ending}`, image),
        ...memberOf(`${key}.cls`, Buffer.from(`${label}`)),
        ...memberOf(`${key}.json`, Buffer.from(JSON.stringify(told))),
      ];
      const length = blocks.reduce((sum, block) => sum + block.length, END.length);
      if (open !== undefined && open.bytes + length > mostBytes) end();
      open ??= next();
      for (const block of blocks) put(open, block);
      open.images++;
    },
    close() {
      end();
      return shards;
    },
  };
}

export interface PackedImage {
  readonly bytes: Uint8Array;
  /** Whether they were made a JPEG, whatever they were before. */
  readonly isNewJpeg?: boolean;
}

/** Reads the images of a split in their order. @throws runError for one that cannot be used */
export type ReadImages = (places: ImagePlaces, count: number) => AsyncIterable<PackedImage>;

export interface PackSettings {
  /** The folder that takes the shards; it may not hold anything. */
  readonly out: string;
  readonly mostBytes: number;
  /** How images are changed; packed as they are by default. */
  readonly reencoding?: { readonly words: string; readonly read: ReadImages } | undefined;
  /** Aborts it: nothing is left then. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (packed: number, images: number) => void;
}

async function* asTheyAre(places: ImagePlaces, count: number): AsyncIterable<PackedImage> {
  for (let i = 0; i < count; i++) yield { bytes: readImage(places, i) };
}

const KEY_DIGITS = 8;

/** Files of images are called alike by their readers: .JPEG is .jpg. */
function endingOf(name: string): string {
  const ending = extname(name).slice(1).toLowerCase();
  return ending === "jpeg" ? "jpg" : ending;
}

function refuseOccupied(out: string): void {
  let names: string[] = [];
  try {
    names = readdirSync(out);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw inputError(`${out} cannot be written to: ${(error as Error).message}.`);
  }
  if (names.length === 0) return;
  throw inputError(
    `${out} holds ${names.length === 1 ? "a file" : "files"} already (${names[0]}). Nothing was changed.`,
    "Give another folder with --out DIR, or remove this one.",
  );
}

/** Names of shards begin as those of folders do. */
const STARTS: Readonly<Record<PartName, string>> = { train: "train", test: "val" };

/** Waits for what signals and progress have to do. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const IMAGES_AT_ONCE = 16;

/** Packs a data set into WebDataset shards. @throws inputError for a folder in use, runError; nothing is left then */
export async function packImages(dataset: string, set: PackableSet, settings: PackSettings): Promise<ShardRecord> {
  const { out, mostBytes, reencoding, signal, onProgress } = settings;
  refuseOccupied(out);
  if (reencoding !== undefined && set.reencoded !== undefined) {
    throw inputError(
      `These images are already re-encoded: ${set.reencoded}.`,
      "Downscale the original images instead.",
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
      ...(reencoded && { reencoded, note: `Not comparable: images were re-encoded (${reencoded}).` }),
      classes,
      classNames,
      halves: Object.fromEntries(made),
    };
    await writeFileAtomic(join(folder, RECORD_FILE), recordText(record));
  });
  return record as ShardRecord;
}
