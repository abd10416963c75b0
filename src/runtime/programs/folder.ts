/**
 * Where TensorFlow reads and writes compiled programs: a folder of its own file system in memory. What is on a disk
 * never meets it unchecked, and no disk that is full or may not be written ends a run (see kept.ts).
 */
export const MEMORY_FOLDER = "ram://pefd/programs";

let folder: string | undefined;

/** Says where programs are kept from now on; undefined: nowhere. To be called before TensorFlow is loaded. */
export function keepProgramsIn(place: string | undefined): void {
  folder = place;
}

/** Where programs are kept for the next run; undefined where they are not. */
export const programsFolder = (): string | undefined => folder;
