import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";

/** What is left free of a file system: a twentieth, but at least this much. */
const LEAST_RESERVE = 1e9;
/** Bytes written between two looks at the file system, which other programs fill as well. */
const LOOK_EVERY = 16e6;
/** A record may take up a whole block of the disk. */
const BLOCK_BYTES = 4096;

/** A size for people: `8.3 GB`. */
export const gigabytes = (bytes: number): string =>
  `${(bytes / 1e9).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} GB`;

/** Room on a folder's file system, and how much of it is to stay free, in bytes. */
export interface Space {
  readonly free: number;
  readonly reserve: number;
}

/** The space that there is now on the file system of a folder, which need not be there yet. */
export function spaceOf(folder: string): Space {
  if (!existsSync(folder)) return spaceOf(dirname(folder));
  const { bavail, blocks, bsize } = statfsSync(folder);
  return { free: bavail * bsize, reserve: Math.max(LEAST_RESERVE, (blocks * bsize) / 20) };
}

/**
 * Says before each record whether it may be written.
 * @param space looked up now and again
 * @returns why not, or undefined
 */
export function spaceGuard(space: () => Space): () => string | undefined {
  let unseen = LOOK_EVERY;
  return () => {
    unseen += BLOCK_BYTES;
    if (unseen < LOOK_EVERY) return undefined;
    unseen = 0;
    const { free, reserve } = space();
    if (free > reserve + LOOK_EVERY) return undefined;
    return `${gigabytes(free)} of the disk are free, and ${gigabytes(reserve)} are to stay so`;
  };
}
