import { basename, join } from "node:path";

/** TensorFlow's compiled programs, in memory: nothing unchecked meets it, and no full disk ends a run (see kept.ts). */
export const MEMORY_FOLDER = "ram://pefd/programs";

let folder: string | undefined;

/** Says where programs are kept from now on; undefined: nowhere. To be called before TensorFlow is loaded. */
export function keepProgramsIn(place: string | undefined): void {
  folder = place;
}

/** Where programs are kept for the next run; undefined where they are not. */
export const programsFolder = (): string | undefined => folder;

let runFolder: string | undefined;

/**
 * From now on programs are kept in `programs/` of a run's folder as well, undefined: no longer. Those of a GPU hold
 * XLA's autotuned choices, with which a resumed run goes on when the cache is gone.
 */
export function keepProgramsWith(runDir: string | undefined): void {
  runFolder = runDir;
}

/** The run's programs for this device, driver, version and flags; undefined where they are not kept. */
export const runPrograms = (): string | undefined =>
  folder === undefined || runFolder === undefined ? undefined : join(runFolder, "programs", basename(folder));
