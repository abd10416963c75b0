import { join } from "node:path";
import { sha256 } from "../checksums.js";
import type { Part } from "./part.js";
import type { AheadOf, FilesAhead } from "./readFile.js";
import type { RecordKind } from "./recordKind.js";
import { mostBytes, readRecordFile, recordLabels, recordPixels } from "./records.js";

/** Files of records, one after another. */
export interface RecordFiles {
  readonly kind: RecordKind;
  readonly files: readonly string[];
  /** What to do where one is refused. */
  readonly hint: string;
}

function joined(arrays: readonly Uint8Array[]): Uint8Array {
  const [only] = arrays;
  return only !== undefined && arrays.length === 1 ? only : Buffer.concat(arrays);
}

/** The files of one half, to be read ahead. */
export const recordFilesAhead = (
  directory: string,
  { kind, files }: Pick<RecordFiles, "kind" | "files">,
): AheadOf[] => files.map((file) => ({ path: join(directory, file), maxBytes: mostBytes(kind) }));

/**
 * Reads one half of a data set.
 * @param ahead files that were read already
 * @throws inputError as readRecordFile does
 */
export function readRecordPart(
  directory: string,
  { kind, files, hint }: RecordFiles,
  ahead?: FilesAhead,
): Part {
  const paths = files.map((file) => join(directory, file));
  const records = joined(paths.map((path) => readRecordFile(path, kind, hint, ahead)));
  const labels = recordLabels(records, kind);
  const [path = "", ...more] = paths;
  const known = more.length === 0 ? ahead?.get(path)?.sha256 : undefined;
  return {
    labels,
    file: { images: labels.length, sha256: known ?? sha256(records) },
    pixels: (chosen) => recordPixels(records, kind, chosen),
  };
}
