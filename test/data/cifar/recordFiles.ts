import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { recordLabels, recordPixels } from "#pefd/data/binary/records.js";
import { CIFAR100_FORMAT, CIFAR100_RECORD } from "#pefd/data/cifar/row.js";
import type { ImagesInMemory } from "#pefd/data/dataset.js";

/** A fresh folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "pefd-data-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Byte of image `index`, row, column, channel in the files of these tests: any two places differ. */
export const pixelAt = (index: number, row: number, column: number, channel: number): number =>
  (index * 89 + row * 37 + column * 5 + channel * 101) % 256;

/** Records with the given fine labels; the coarse label is a fifth of the fine one. */
export function recordsWithLabels(labels: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(labels.length * 3074);
  labels.forEach((label, index) => {
    bytes[index * 3074] = Math.floor(label / 5);
    bytes[index * 3074 + 1] = label;
    for (let i = 0; i < 3072; i++) {
      const pixel = i % 1024;
      const place = [Math.floor(pixel / 32), pixel % 32, Math.floor(i / 1024)] as const;
      bytes[index * 3074 + 2 + i] = pixelAt(index, ...place);
    }
  });
  return bytes;
}

/** Writes both data files into a new folder below `parent` and returns it. */
export function writeDataFolder(
  parent: string,
  train: readonly number[],
  test: readonly number[],
  name = "cifar",
): string {
  const directory = join(parent, name);
  mkdirSync(directory);
  writeFileSync(join(directory, "train.bin"), recordsWithLabels(train));
  writeFileSync(join(directory, "test.bin"), recordsWithLabels(test));
  return directory;
}

/** The folder named in PEFD_REAL_DATA if it holds files of the real size. */
export function realData(): string | undefined {
  const directory = process.env.PEFD_REAL_DATA;
  if (directory === undefined) return undefined;
  const found = statSync(join(directory, "train.bin"), { throwIfNoEntry: false });
  return found?.size === 50_000 * 3074 ? directory : undefined;
}

/** Turns records of CIFAR-100 (one colour plane after the other) into images (colours interleaved). */
export function decodeRecords(records: Uint8Array): ImagesInMemory {
  const labels = recordLabels(records, CIFAR100_RECORD);
  const images = recordPixels(records, CIFAR100_RECORD);
  return { kind: "memory", ...CIFAR100_FORMAT, images, labels, count: labels.length };
}
