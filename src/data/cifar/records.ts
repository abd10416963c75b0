import { inputError, PefdError } from "../../common/errors.js";
import { readInputFile } from "../../common/inputFile.js";
import type { ImageFormat, ImagesInMemory } from "../dataset.js";

/** Side length of the images in pixels. */
export const IMAGE_SIZE = 32;
const PIXELS = IMAGE_SIZE * IMAGE_SIZE;

/** Bytes of one image: 3 channels of 32 x 32. */
export const IMAGE_BYTES = 3 * PIXELS;

/** Bytes of one record: coarse label, fine label, 1,024 red, 1,024 green, 1,024 blue. */
export const RECORD_BYTES = 2 + IMAGE_BYTES;

/** What CIFAR-100's images are like; training pads them by 4 pixels, crops and mirrors them, as the paper's code does. */
export const CIFAR100_FORMAT = {
  height: IMAGE_SIZE,
  width: IMAGE_SIZE,
  channels: 3,
  normalization: { mean: [0.5071, 0.4867, 0.4408], deviation: [0.2675, 0.2565, 0.2761] },
  augmentation: { kind: "shift", padding: 4 },
} as const satisfies ImageFormat;

/** Fine labels are 0 to 99, coarse ones 0 to 19. */
export const FINE_CLASSES = 100;
export const COARSE_CLASSES = 20;

/** The files of a CIFAR-100 folder, named as in the official archive. */
export const TRAIN_FILE = "train.bin";
export const TEST_FILE = "test.bin";
export const FINE_NAMES_FILE = "fine_label_names.txt";
export const COARSE_NAMES_FILE = "coarse_label_names.txt";

const DATA_HINT =
  "Fetch the images with `pefd data fetch`, or make some with `pefd data synthesize --out DIR`.";

/**
 * Reads a file of records as it is.
 * @returns [count * 3074] bytes, count >= 1, every fine label within 0 to 99
 * @throws inputError if the file is missing, unreadable, empty, of a wrong size or has a label above 99
 */
export function readRecords(path: string): Uint8Array {
  const bytes = readBytes(path);
  checkSize(path, bytes.length);
  checkLabels(path, bytes);
  return bytes;
}

/** Ten times CIFAR-100's training images. */
const MAX_FILE_BYTES = 500_000 * RECORD_BYTES;

function readBytes(path: string): Uint8Array {
  try {
    return readInputFile(path, { maxBytes: MAX_FILE_BYTES, hint: DATA_HINT });
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): PefdError {
  if (error instanceof PefdError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return inputError(`The data file ${path} does not exist.`, DATA_HINT);
  }
  return inputError(`The data file ${path} cannot be read: ${message}`, DATA_HINT);
}

function checkSize(path: string, bytes: number): void {
  if (bytes === 0) throw inputError(`${path} is empty (0 bytes).`, DATA_HINT);
  if (bytes % RECORD_BYTES === 0) return;
  const records = Math.max(1, Math.round(bytes / RECORD_BYTES));
  throw inputError(
    `${path} has ${bytes} bytes, expected a multiple of ${RECORD_BYTES} (the bytes of one image and ` +
      `its two labels). The nearest whole number of records is ${records}, ${records * RECORD_BYTES} bytes.`,
    DATA_HINT,
  );
}

function checkLabels(path: string, records: Uint8Array): void {
  for (let offset = 1; offset < records.length; offset += RECORD_BYTES) {
    const label = records[offset] as number;
    if (label < FINE_CLASSES) continue;
    const record = (offset - 1) / RECORD_BYTES + 1;
    throw inputError(
      `${path} has the label ${label} in record ${record} of ${records.length / RECORD_BYTES} ` +
        `(byte ${offset}), expected 0 to ${FINE_CLASSES - 1}.`,
      DATA_HINT,
    );
  }
}

/** The fine label of every record. */
export function fineLabels(records: Uint8Array): Uint8Array {
  const count = records.length / RECORD_BYTES;
  return Uint8Array.from({ length: count }, (_, i) => records[i * RECORD_BYTES + 1] as number);
}

/**
 * Turns records (one colour plane after the other) into images (colours interleaved).
 * @param records [n * 3074] bytes
 * @param chosen indices of the records to take, in the order wanted; all when left out
 */
export function decodeRecords(records: Uint8Array, chosen?: Int32Array): ImagesInMemory {
  const count = chosen?.length ?? records.length / RECORD_BYTES;
  const images = new Uint8Array(count * IMAGE_BYTES);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const start = (chosen ? (chosen[i] as number) : i) * RECORD_BYTES;
    labels[i] = records[start + 1] as number;
    interleave(records, start + 2, images, i * IMAGE_BYTES);
  }
  return {
    ...{ kind: "memory", ...CIFAR100_FORMAT, images, labels, count },
    ...(chosen !== undefined && { positions: chosen }),
  };
}

function interleave(from: Uint8Array, start: number, to: Uint8Array, target: number): void {
  for (let pixel = 0, out = target; pixel < PIXELS; pixel++, out += 3) {
    to[out] = from[start + pixel] as number;
    to[out + 1] = from[start + PIXELS + pixel] as number;
    to[out + 2] = from[start + 2 * PIXELS + pixel] as number;
  }
}
