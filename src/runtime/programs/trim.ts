import { type Dirent, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Bytes of compiled programs that are kept; one takes 1 to 10 MB. */
export const PROGRAMS_BYTES = 1e9;

/** Files that are not finished after so long belong to processes that were killed. */
const UNFINISHED_MS = 3.6e6;

interface KeptFile {
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly used: number;
  /** A killed process left it, or an earlier version, which did not say what its programs depend on. */
  readonly isLeft: boolean;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // Nothing was compiled yet.
  }
}

function fileOf(path: string, isLeft: (used: number) => boolean): KeptFile[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  return [{ path, bytes: stats.size, used: stats.mtimeMs, isLeft: isLeft(stats.mtimeMs) }];
}

function filesOf(root: string): KeptFile[] {
  const isOld = (used: number): boolean => Date.now() - used > UNFINISHED_MS;
  return entriesOf(root).flatMap(({ name }) => {
    const path = join(root, name);
    if (name.startsWith("xla_compile_cache__")) return fileOf(path, () => true);
    return entriesOf(path).flatMap((entry) => {
      if (entry.name.endsWith(".pefd-tmp")) return fileOf(join(path, entry.name), isOld);
      return entry.name.endsWith(".xla") ? fileOf(join(path, entry.name), () => false) : [];
    });
  });
}

/** Files that another process removes meanwhile, or that may not be removed, are passed over. */
function tryRemove(remove: () => void): void {
  try {
    remove();
  } catch {
    // It still serves, or is in use.
  }
}

/**
 * Keeps all folders of compiled programs together within a size: those not used for longest go.
 * @param root the folder of those folders
 */
export function trimPrograms(root: string, limit: number = PROGRAMS_BYTES): void {
  const newestFirst = filesOf(root).sort((a, b) => b.used - a.used);
  let kept = 0;
  for (const { path, bytes, isLeft } of newestFirst) {
    kept += isLeft ? 0 : bytes;
    if (isLeft || kept > limit) tryRemove(() => rmSync(path, { force: true }));
  }
  for (const entry of entriesOf(root)) {
    if (entry.isDirectory()) tryRemove(() => rmdirSync(join(root, entry.name)));
  }
}
