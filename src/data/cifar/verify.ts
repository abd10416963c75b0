import { createHash } from "node:crypto";
import { join } from "node:path";
import { PefdError } from "../../common/errors.js";
import type { FileReport, VerifyReport } from "../dataset.js";
import {
  COARSE_CLASSES,
  FINE_CLASSES,
  RECORD_BYTES,
  readRecords,
  TEST_FILE,
  TRAIN_FILE,
} from "./records.js";

/** contentSha256 of the two files of CIFAR-100: 50,000 and 10,000 records. */
const OFFICIAL_CONTENT: Readonly<Record<string, string>> = {
  [TRAIN_FILE]: "ad6f8b3f27b80cb26c34ea8d0693fdf47cb7ad89d0d51034ccab1eca5d33d405",
  [TEST_FILE]: "f6556ddfe5daabecac8e1b4b2986020abaffc5b7934f88f040d5fc07eaa7307f",
};

/**
 * Examines a data folder: sizes, labels, balance of the classes, checksums, and whether these are the real
 * CIFAR-100. A folder that is wrong is reported, not thrown; it can be used if there are no problems.
 */
export function verifyCifar100(directory: string): VerifyReport {
  const examined = [TRAIN_FILE, TEST_FILE].map((file) => examine(directory, file));
  const files = examined.flatMap(({ report }) => (report ? [report] : []));
  const [train, test] = examined.map(({ digests }) => digests);
  const known = new Set(train);
  const sharedRecords = (test ?? []).filter((digest) => known.has(digest)).length;
  return {
    directory,
    files,
    sharedRecords,
    balanced: files.length === 2 && files.every((f) => f.fewestPerClass === f.mostPerClass),
    official:
      files.length === 2 && files.every((f) => f.contentSha256 === OFFICIAL_CONTENT[f.file]),
    problems: [...examined.flatMap(({ problems }) => problems), ...leak(sharedRecords, test)],
  };
}

function leak(shared: number, test: readonly string[] = []): string[] {
  if (shared === 0 || shared * 2 < test.length) return [];
  return [
    `${shared} of the ${test.length} images of ${TEST_FILE} are in ${TRAIN_FILE} as well, ` +
      "so that test results would be training results.",
  ];
}

interface Examined {
  readonly report?: FileReport;
  /** sha256 of every record. */
  readonly digests: readonly string[];
  readonly problems: readonly string[];
}

function examine(directory: string, file: string): Examined {
  const path = join(directory, file);
  try {
    const records = readRecords(path);
    const digests = recordDigests(records);
    const report = describe(file, records, digests);
    return { report, digests, problems: coarseProblems(path, records) };
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    return { digests: [], problems: [error.message] };
  }
}

const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

function recordDigests(records: Uint8Array): string[] {
  return Array.from({ length: records.length / RECORD_BYTES }, (_, i) =>
    sha256(records.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES)),
  );
}

function describe(file: string, records: Uint8Array, digests: readonly string[]): FileReport {
  const perClass = new Array<number>(FINE_CLASSES).fill(0);
  for (let offset = 1; offset < records.length; offset += RECORD_BYTES) {
    const label = records[offset] as number;
    perClass[label] = (perClass[label] as number) + 1;
  }
  const present = perClass.filter((images) => images > 0);
  return {
    file,
    bytes: records.length,
    records: digests.length,
    sha256: sha256(records),
    contentSha256: sha256(digests.toSorted().join("\n")),
    classes: present.length,
    fewestPerClass: Math.min(...present),
    mostPerClass: Math.max(...present),
  };
}

/** Training reads fine labels only, but a fine class with two coarse ones is a sign of a damaged file. */
function coarseProblems(path: string, records: Uint8Array): string[] {
  const coarseOf = new Map<number, number>();
  for (let offset = 0; offset < records.length; offset += RECORD_BYTES) {
    const [coarse = 0, fine = 0] = records.subarray(offset, offset + 2);
    const record = offset / RECORD_BYTES + 1;
    if (coarse >= COARSE_CLASSES) {
      return [`${path} has the coarse label ${coarse} in record ${record}, expected 0 to 19.`];
    }
    const earlier = coarseOf.get(fine) ?? coarse;
    if (earlier !== coarse) {
      return [
        `${path} gives the fine label ${fine} the coarse label ${earlier} at first and ${coarse} in ` +
          `record ${record}.`,
      ];
    }
    coarseOf.set(fine, coarse);
  }
  return [];
}
