import { join } from "node:path";
import { KEPT_VIEWS } from "../../distill/views.js";
import { type Space, spaceGuard, spaceOf } from "./freeSpace.js";
import { type OutputSizes, type Outputs, rowOf } from "./outputs.js";
import { openRecordFile } from "./recordFile.js";

/** A teacher's outputs on disk. Any number of processes may use the same folder at once. */
export interface Store {
  /** Reads an entry into a row of all outputs. @returns false unless every output is there */
  read(entry: number, into: Outputs, row: number): boolean;
  /** Keeps a row as an entry; does nothing once the store takes no more. */
  write(entry: number, from: Outputs, row: number): void;
  /** Whether entries are still being added. */
  isGrowing(): boolean;
  close(): void;
}

/**
 * Opens the outputs in a folder. When the disk runs short nothing more is added; what is there is still used.
 * @param folder must exist
 * @param onFull told the reason once, when nothing more is added
 * @throws the file system's error when a file cannot be opened
 */
export function openStore(
  folder: string,
  sizes: OutputSizes,
  onFull: (reason: string) => void,
  space: () => Space = () => spaceOf(folder),
): Store {
  const files = Array.from(sizes, ([name, size]) => {
    return { name, size, file: openRecordFile(join(folder, `${KEPT_VIEWS[name].file}.bin`), size) };
  });
  const shortage = spaceGuard(space);
  let growing = true;
  const stop = (reason: string) => {
    growing = false;
    onFull(reason);
  };
  const writeAll = (entry: number, from: Outputs, row: number) => {
    for (const { name, size, file } of files) {
      file.write(entry, rowOf(from.get(name) as Float32Array, size, row));
    }
  };
  return {
    read: (entry, into, row) =>
      files.every(({ name, size, file }) =>
        file.read(entry, rowOf(into.get(name) as Float32Array, size, row)),
      ),
    write(entry, from, row) {
      if (!growing) return;
      const reason = shortage();
      if (reason !== undefined) return stop(reason);
      try {
        writeAll(entry, from, row);
      } catch (error) {
        stop((error as Error).message);
      }
    },
    isGrowing: () => growing,
    close() {
      for (const { file } of files) file.close();
    },
  };
}
