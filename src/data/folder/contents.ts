import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, realpathSync, type Stats, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { cacheDirectory } from "../../common/cachePaths.js";
import { inputError } from "../../common/errors.js";
import { writeFileWhole } from "../../common/files/atomicFile.js";
import type { PartName } from "../binary/records.js";
import { sha256 } from "../checksums.js";
import type { ListedImage } from "./listing.js";

/** Bytes that are read of an image's beginning, middle and end; a smaller one is read whole. */
const BLOCK = 4096;

/** Granularity of file times, in milliseconds: a file may change again within it unnoticed. */
const COARSE = 2000;

/** Fewer images are read each time: that is as quick as keeping books. */
const LEAST_KEPT = 1000;

/** Letters of a sample: 132 bits of its sha256. */
const LETTERS = 22;

/** Of an unreadable image: decoding reports it, unless it is skipped. */
const UNREADABLE = "-";

const cacheFile = (directory: string, part: PartName, ending: string): string =>
  join(
    // biome-ignore lint/style/noRestrictedGlobals: a data set is opened in many places, none of which knows the folder.
    cacheDirectory(process.env, homedir()),
    `images/${sha256(`${part} ${realpathSync(directory)}`).slice(0, 32)}.${ending}`,
  );

/** Writes it whole or not at all; where that fails, the work is done anew the next time. */
function writeCache(path: string, content: string | Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileWhole(path, content);
  } catch {}
}

function readCache(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

function statsOf(path: string): Stats {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return found;
  throw inputError(`${path} is a broken link.`, "Remove the link, or restore its target.");
}

/** Opens one file at a time, as images of a shard follow each other. */
function openSampler() {
  const room = Buffer.allocUnsafe(3 * BLOCK);
  let [path, file] = ["", -1];
  const close = () => {
    if (file >= 0) closeSync(file);
    [path, file] = ["", -1];
  };
  const read = (offset: number, length: number, at: number): number => readSync(file, room, at, length, offset);
  return {
    close,
    /** sha256 of the first, the middle and the last bytes of a part of a file. */
    sample(from: string, offset: number, length: number): string {
      try {
        if (path !== from) {
          close();
          [file, path] = [openSync(from, "r"), from];
        }
        let filled = 0;
        if (length <= room.length) filled = read(offset, length, 0);
        else {
          for (const start of [0, Math.floor((length - BLOCK) / 2), length - BLOCK]) {
            filled += read(offset + start, BLOCK, filled);
          }
        }
        const bytes = room.subarray(0, filled);
        return createHash("sha256").update(bytes).digest("base64url").slice(0, LETTERS);
      } catch {
        return UNREADABLE;
      }
    },
  };
}

/** Kept samples: lines of sample, stamp and name, in the order of the images; the last line is their sha256. */
function readIndex(bytes: Buffer): (stamp: string, name: string) => string | undefined {
  const end = bytes.lastIndexOf(10, -2) + 1;
  const isWhole = bytes.toString("latin1", end).trim() === sha256(bytes.subarray(0, end));
  const passed = new Map<string, string>();
  let at = 0;
  /** Images are asked for in order, so that lines are passed only where files came, went or changed. */
  return (stamp, name) => {
    const key = `${stamp}\t${name}`;
    const kept = passed.get(key);
    if (kept !== undefined || !isWhole) return kept;
    while (at < end) {
      const next = bytes.indexOf(10, at);
      const line = bytes.toString("utf8", at, next);
      at = next + 1;
      const [sample, other] = [line.slice(0, LETTERS), line.slice(LETTERS + 1)];
      if (other === key) return sample;
      passed.set(other, sample);
    }
    return undefined;
  };
}

export interface Contents {
  of(image: ListedImage): { readonly size: number; readonly sample: string };
  /** Keeps the samples for the next opening. */
  close(): void;
}

/** Samples (sha256 of up to 12 kB) of a split's images, cached by name, size, times. @param isFresh skips the cache */
export function openContents(directory: string, part: PartName, isFresh: boolean): Contents {
  const path = cacheFile(directory, part, "txt");
  const before = readCache(path);
  const known = isFresh ? () => undefined : readIndex(before);
  const started = Date.now();
  const sampler = openSampler();
  const pieces: string[] = [];
  let shard: { readonly path: string; readonly stats: Stats } | undefined;
  return {
    of({ name, part: place }) {
      const from = join(directory, place?.file ?? name);
      const stats = shard?.path === from ? shard.stats : statsOf(from);
      if (place !== undefined) shard = { path: from, stats };
      const { size, mtimeMs, ctimeMs } = stats;
      const where = place && ` ${place.offset} ${place.length} ${place.file}`;
      const stamp = `${size} ${mtimeMs} ${ctimeMs}${where ?? ""}`;
      const length = place?.length ?? size;
      const sample = known(stamp, name) ?? sampler.sample(from, place?.offset ?? 0, length);
      const isSettled = sample !== UNREADABLE && ctimeMs < started - COARSE;
      if (isSettled && !name.includes("\n")) pieces.push(`${sample}\t${stamp}\t${name}\n`);
      return { size: length, sample };
    },
    close() {
      sampler.close();
      const lines = Buffer.from(pieces.join(""));
      const now = Buffer.concat([lines, Buffer.from(`${sha256(lines)}\n`)]);
      if (pieces.length >= LEAST_KEPT && !now.equals(before)) writeCache(path, now);
    },
  };
}

/**
 * Compares a split with its first reading, which is kept.
 * @param sums sha256 by which runs know the half
 * @param contents sha256 over all bytes of all images
 * @returns sentences on what is wrong
 */
export function changedContents(directory: string, part: PartName, sums: string, contents: string): string[] {
  const path = cacheFile(directory, part, "whole.txt");
  const [sumsThen, contentsThen, on] = readCache(path).toString().trim().split(" ");
  if (sumsThen === sums && contentsThen !== contents) {
    return [
      `The ${part === "train" ? "training" : "test"} images of ${directory} have the names, sizes and samples of ${on}, but other bytes elsewhere, which runs do not notice. If the images are correct, remove ${path}.`,
    ];
  }
  const today = new Date().toISOString().slice(0, 10);
  if (sumsThen !== sums) writeCache(path, `${sums} ${contents} ${today}\n`);
  return [];
}
