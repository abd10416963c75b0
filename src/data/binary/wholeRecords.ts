import { join } from "node:path";
import { sha256 } from "../checksums.js";
import type { WholeFile } from "../examine.js";
import { type RecordKind, recordBytes } from "./recordKind.js";
import { readRecordFile, recordLabels } from "./records.js";

/**
 * Reads a file of records to be examined.
 * @param problemsOf what else is looked at
 * @throws inputError as readRecordFile does
 */
export function wholeRecords(
  directory: string,
  file: string,
  { kind, hint }: { readonly kind: RecordKind; readonly hint: string },
  problemsOf: (path: string, records: Uint8Array) => readonly string[] = () => [],
): WholeFile {
  const path = join(directory, file);
  const records = readRecordFile(path, kind, hint);
  const size = recordBytes(kind);
  const digests = Array.from({ length: records.length / size }, (_, i) =>
    sha256(records.subarray(i * size, (i + 1) * size)),
  );
  return {
    ...{ bytes: records.length, labels: recordLabels(records, kind), digests },
    ...{ sha256: sha256(records), problems: problemsOf(path, records) },
  };
}
