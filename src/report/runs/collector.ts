import { statSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { CONFIG_FILE } from "../../runFiles/identity.js";
import { FAILURE_FILE, RESULT_FILE } from "../../runFiles/stateFile.js";
import { EPOCH_LOG } from "../log/epochLog.js";
import { type Collection, collectRuns, type Folder, lookInto } from "./collect.js";

/** A stamp that changes when a file is written, replaced or removed; empty if missing. */
type Stamp = readonly number[];

function stampOf(path: string): Stamp {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? [] : [stats.mtimeMs, stats.ctimeMs, stats.size, stats.ino];
  } catch {
    return [];
  }
}

/** Milliseconds within which a file may change twice and keep its times: file systems count in up to two seconds. */
const TICK = 2000;

interface Seen {
  readonly folder: Folder;
  readonly paths: readonly string[];
  readonly stamps: readonly Stamp[];
  /** Whether something changed so lately that file times do not show a further change. */
  readonly young: boolean;
}

const isCurrent = ({ paths, stamps, young }: Seen): boolean => !young && isDeepStrictEqual(paths.map(stampOf), stamps);

/** Reads a folder unless it is as it was. What is read again and says the same is the same object. */
function seeAgain(dir: string, before: Seen | undefined, now: number): Seen {
  if (before !== undefined && isCurrent(before)) return before;
  const files = [CONFIG_FILE, EPOCH_LOG, RESULT_FILE, FAILURE_FILE].map((name) => join(dir, name));
  const all = [dir, ...files].map((path) => ({ path, stamp: stampOf(path) }));
  const found = lookInto(dir);
  // Of a run these files count, not the checkpoints that come and go beside them.
  const told = found.own.runs.length > 0 ? all.slice(1) : all;
  return {
    folder: isDeepStrictEqual(before?.folder, found) ? (before as Seen).folder : found,
    paths: told.map(({ path }) => path),
    stamps: told.map(({ stamp }) => stamp),
    young: told.some(({ stamp: [mtime = 0, ctime = 0] }) => Math.max(mtime, ctime) > now - TICK),
  };
}

/** A `collectRuns` for polling: rereads runs whose files changed in size or time; the same object if none did. */
export function runCollector(clock: () => number = Date.now): (dirs: readonly string[]) => Collection {
  let seen: ReadonlyMap<string, Seen> = new Map();
  let last: { readonly dirs: readonly string[]; readonly found: Collection } | undefined;
  return (dirs) => {
    const before = isDeepStrictEqual(last?.dirs, dirs) ? last?.found : undefined;
    if (before !== undefined && [...seen.values()].every(isCurrent)) return before;
    const next = new Map<string, Seen>();
    const found = collectRuns(dirs, (dir) => {
      const one = seeAgain(dir, seen.get(dir), clock());
      next.set(dir, one);
      return one.folder;
    });
    const unchanged =
      next.size === seen.size && [...next].every(([dir, { folder }]) => seen.get(dir)?.folder === folder);
    seen = next;
    last = { dirs: [...dirs], found: before !== undefined && unchanged ? before : found };
    return last.found;
  };
}
