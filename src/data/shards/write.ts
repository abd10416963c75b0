import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Header } from "tar";
import type { ShardFile } from "./record.js";

/** One image that is to be packed. */
export interface NewSample {
  /** Of its files, before the dot; no other sample of the half has it. */
  readonly key: string;
  /** Of the image, without the dot. */
  readonly ending: string;
  readonly image: Uint8Array;
  readonly label: number;
  /** What its .json holds. */
  readonly told: object;
}

/** Writes shards, one after the other. */
export interface ShardWriter {
  /** Adds a sample, to a new shard where it would make the last one too large. */
  add(sample: NewSample): void;
  /** Ends the last shard. @returns all of them */
  close(): ShardFile[];
}

const BLOCK = 512;

/** Permissions of the files in shards: all may read them. */
const MODE = 0o644;

/** A tar archive's end: two blocks of zeros. */
const END = Buffer.alloc(2 * BLOCK);

/** A file as it stands in a tar archive. Equal files give equal bytes: no time, no owner. */
function memberOf(path: string, bytes: Uint8Array): Uint8Array[] {
  const header = new Header({
    ...{ path, size: bytes.length, mode: MODE, uid: 0, gid: 0 },
    ...{ mtime: new Date(0), type: "File" },
  });
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

/**
 * Writes WebDataset shards of a half: KEY.jpg (or another ending), KEY.cls, KEY.json of each image.
 * @param start of their names: "train" for train-000000.tar
 * @param mostBytes of a shard, unless one image has more
 * Errors are the system's own, as of a full disk.
 */
export function openShardWriter(folder: string, start: string, mostBytes: number): ShardWriter {
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
