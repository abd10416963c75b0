import { join } from "node:path";
import { sha256 } from "../checksums.js";
import type { Part } from "./part.js";
import type { RecordKind } from "./recordKind.js";
import { readRecordFile, recordLabels, recordPixels } from "./records.js";

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

/** Reads one half of a data set. @throws inputError as readRecordFile does */
export function readRecordPart(directory: string, { kind, files, hint }: RecordFiles): Part {
  const read = files.map((file) => readRecordFile(join(directory, file), kind, hint));
  const records = joined(read);
  const labels = recordLabels(records, kind);
  return {
    labels,
    file: { images: labels.length, sha256: sha256(records) },
    pixels: (chosen) => recordPixels(records, kind, chosen),
  };
}
