import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Bytes of compiled programs that are kept; one takes 1 to 10 MB. */
export const PROGRAM_CACHE_BYTES = 1e9;

interface KeptFile {
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970 of its last use, as far as the file system tells. */
  readonly used: number;
}

function filesOf(folder: string): KeptFile[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.startsWith("xla_compile_cache__"));
  } catch {
    return []; // Nothing was compiled yet.
  }
  return names.flatMap((name) => {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined
      ? []
      : [{ path, bytes: stats.size, used: Math.max(stats.atimeMs, stats.mtimeMs) }];
  });
}

/**
 * Keeps the folder of compiled XLA programs within a size: those not used for longest go. TensorFlow itself only
 * ever adds to it. Files that another process removes meanwhile, or that may not be removed, are passed over.
 */
export function trimProgramCache(folder: string, limit: number = PROGRAM_CACHE_BYTES): void {
  const newestFirst = filesOf(folder).sort((a, b) => b.used - a.used);
  let kept = 0;
  for (const { path, bytes } of newestFirst) {
    kept += bytes;
    if (kept <= limit) continue;
    try {
      rmSync(path, { force: true });
    } catch {
      // A read-only cache still serves.
    }
  }
}
