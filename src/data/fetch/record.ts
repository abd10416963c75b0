import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseBoundedJson } from "../../common/boundedJson.js";
import { readInputText } from "../../common/files/inputFile.js";
import type { FileReport } from "../dataset.js";

/** Beside the files of a data set whose own checksums are published nowhere: what the archive held. */
const RECORD_FILE = "fetched.json";

/** What was fetched: the archive's md5 sum, and the sha256 of each file of it. */
interface FetchRecord {
  readonly md5: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Writes down what an archive of a known md5 sum held. */
export function writeFetchRecord(
  folder: string,
  md5: string,
  reports: readonly FileReport[],
): void {
  const files = Object.fromEntries(reports.map(({ file, sha256 }) => [file, sha256]));
  writeFileSync(join(folder, RECORD_FILE), `${JSON.stringify({ md5, files }, null, 2)}\n`);
}

function readFetchRecord(folder: string): Partial<FetchRecord> {
  try {
    const text = readInputText(join(folder, RECORD_FILE), { maxBytes: 2 ** 16 });
    return (parseBoundedJson(text) ?? {}) as Partial<FetchRecord>;
  } catch {
    return {};
  }
}

/** Whether these are the files that the archive of an md5 sum held when it was fetched into this folder. */
export function isAsFetched(folder: string, reports: readonly FileReport[], md5: string): boolean {
  const record = readFetchRecord(folder);
  const files: Readonly<Record<string, unknown>> = record.files ?? {};
  return record.md5 === md5 && reports.every(({ file, sha256 }) => files[file] === sha256);
}
