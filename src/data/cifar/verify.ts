import { howToGet } from "../binary/dataFile.js";
import { wholeRecords } from "../binary/wholeRecords.js";
import type { VerifyReport } from "../dataset.js";
import { examine } from "../examine.js";
import { CIFAR100_RECORD, COARSE_CLASSES, RECORD_BYTES, TEST_FILE, TRAIN_FILE } from "./records.js";

/** contentSha256 of the two files of CIFAR-100: 50,000 and 10,000 records. */
const OFFICIAL_CONTENT: Readonly<Record<string, string>> = {
  [TRAIN_FILE]: "ad6f8b3f27b80cb26c34ea8d0693fdf47cb7ad89d0d51034ccab1eca5d33d405",
  [TEST_FILE]: "f6556ddfe5daabecac8e1b4b2986020abaffc5b7934f88f040d5fc07eaa7307f",
};

/**
 * Examines a data folder: sizes, labels, balance of the classes, checksums, and whether these are the real
 * CIFAR-100. A folder that is wrong is reported, not thrown; it can be used if there are no problems.
 */
export const verifyCifar100 = (directory: string): VerifyReport =>
  examine({
    directory,
    ...{ train: [TRAIN_FILE], test: [TEST_FILE] },
    called: { train: TRAIN_FILE, test: TEST_FILE },
    read: (file) =>
      wholeRecords(directory, file, { kind: CIFAR100_RECORD, hint: howToGet() }, coarseProblems),
    isOfficial: (files) => files.every((f) => f.contentSha256 === OFFICIAL_CONTENT[f.file]),
  });

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
