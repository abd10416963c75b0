/** TensorFlow's compiled programs, in memory: nothing unchecked meets it, and no full disk ends a run (see kept.ts). */
export const MEMORY_FOLDER = "ram://pefd/programs";

let folder: string | undefined;

/** Says where programs are kept from now on; undefined: nowhere. To be called before TensorFlow is loaded. */
export function keepProgramsIn(place: string | undefined): void {
  folder = place;
}

/** Where programs are kept for the next run; undefined where they are not. */
export const programsFolder = (): string | undefined => folder;
