import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { readInputText } from "../../common/files/inputFile.js";
import { sha256 } from "../checksums.js";
import type { ImageFile } from "../dataset.js";
import type { WholeFile } from "../examine.js";
import { type AheadOf, type FilesAhead, readDataFile } from "./dataFile.js";

/** CIFAR-100's names take about 1,000 bytes. */
const MAX_FILE_BYTES = 2 ** 16;

/** Class names from a text file, one per line; their indices if it has too few. */
export function namesFrom(file: string, classes: number): readonly string[] {
  const lines = linesIn(file);
  return lines.length === classes ? lines : numbersOf(classes);
}

const numbersOf = (classes: number): readonly string[] => Array.from({ length: classes }, (_, label) => String(label));

function linesIn(file: string): string[] {
  try {
    const lines = readInputText(file, { maxBytes: MAX_FILE_BYTES }).split("\n");
    return lines.map((line) => line.trim()).filter((line) => line !== "");
  } catch {
    return []; // names are a courtesy; images can be evaluated without them
  }
}

/** Reads a file of records to be examined. @param problemsOf further checks @throws inputError as readRecordFile */
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
    bytes: records.length,
    labels: recordLabels(records, kind),
    digests,
    sha256: sha256(records),
    problems: problemsOf(path, records),
  };
}

type RecordFiles = { readonly kind: RecordKind; readonly files: readonly string[]; readonly hint: string };

function joined(arrays: readonly Uint8Array[]): Uint8Array {
  const [only] = arrays;
  return only !== undefined && arrays.length === 1 ? only : Buffer.concat(arrays);
}

/** The files of one split, to be read ahead. */
export const recordFilesAhead = (directory: string, { kind, files }: Pick<RecordFiles, "kind" | "files">): AheadOf[] =>
  files.map((file) => ({ path: join(directory, file), maxBytes: mostBytes(kind) }));

/** Reads one split. @param ahead files that were read already @throws inputError as readRecordFile */
export function readRecordPart(directory: string, { kind, files, hint }: RecordFiles, ahead?: FilesAhead): Part {
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

interface LabelByte {
  /** Such as "coarse label". */
  readonly what: string;
  readonly classes: number;
}

/** Records of one size, one image each: label bytes, then all of red, all of green, all of blue, row by row. */
export interface RecordKind {
  readonly side: number;
  readonly labels: readonly LabelByte[];
  /** Place of the class among the label bytes. */
  readonly own: number;
}

/** Bytes of one image: 3 channels. */
const imageBytes = ({ side }: Pick<RecordKind, "side">): number => 3 * side * side;

/** Bytes of one record. */
export const recordBytes = (kind: RecordKind): number => kind.labels.length + imageBytes(kind);

const ownLabel = ({ labels, own }: RecordKind): LabelByte => labels[own] as LabelByte;

export type PartName = "train" | "test";

/** One split of a data set whose images are held in memory, before it is known which of them are wanted. */
export interface Part {
  /** [count], the class of each image, from 0. */
  readonly labels: Uint8Array;
  readonly file: ImageFile;
  /** [n, height, width, 3] bytes of some images. @param chosen which, in this order; all by default */
  pixels(chosen?: Int32Array): Uint8Array;
}

/** Ten times the training images of CIFAR-10 and CIFAR-100. */
const MOST_RECORDS = 500_000;

/** The most bytes that a file of records has. */
export const mostBytes = (kind: RecordKind): number => MOST_RECORDS * recordBytes(kind);

const COUNTS = ["no label", "its label", "its two labels"];

/** Bytes of a file of records, at least one. @param hint for a refused file @throws inputError for size or labels too */
export function readRecordFile(path: string, kind: RecordKind, hint: string, ahead?: FilesAhead): Uint8Array {
  const bytes = ahead?.get(path)?.bytes ?? readDataFile(path, { maxBytes: mostBytes(kind), hint });
  checkSize(path, bytes.length, kind, hint);
  checkLabels(path, bytes, kind, hint);
  return bytes;
}

function checkSize(path: string, bytes: number, kind: RecordKind, hint: string): void {
  const size = recordBytes(kind);
  if (bytes === 0) throw inputError(`${path} is empty (0 bytes).`, hint);
  if (bytes % size === 0) return;
  const records = Math.max(1, Math.round(bytes / size));
  throw inputError(
    `${path} has ${bytes} bytes, expected a multiple of ${size} (the bytes of one image and ` +
      `${COUNTS[kind.labels.length]}). The nearest whole number of records is ${records}, ${records * size} bytes.`,
    hint,
  );
}

function checkLabels(path: string, records: Uint8Array, kind: RecordKind, hint: string): void {
  const size = recordBytes(kind);
  const { classes } = ownLabel(kind);
  for (let offset = kind.own; offset < records.length; offset += size) {
    const label = records[offset] as number;
    if (label < classes) continue;
    const record = (offset - kind.own) / size + 1;
    throw inputError(
      `${path} has the label ${label} in record ${record} of ${records.length / size} ` +
        `(byte ${offset}), expected 0 to ${classes - 1}.`,
      hint,
    );
  }
}

/** The class of every record. */
export function recordLabels(records: Uint8Array, kind: RecordKind): Uint8Array {
  const size = recordBytes(kind);
  const count = records.length / size;
  return Uint8Array.from({ length: count }, (_, i) => records[i * size + kind.own] as number);
}

/** The pixels of `chosen` records in that order, all by default. @returns [count, side, side, 3] bytes */
export function recordPixels(records: Uint8Array, kind: RecordKind, chosen?: Int32Array): Uint8Array {
  const [size, bytes] = [recordBytes(kind), imageBytes(kind)];
  const count = chosen?.length ?? records.length / size;
  const images = new Uint8Array(count * bytes);
  const interleave = (bytes % WHOLE_WORDS === 0 ? wordsInto : bytesInto)(images, bytes);
  for (let i = 0; i < count; i++) {
    const start = (chosen ? (chosen[i] as number) : i) * size + kind.labels.length;
    interleave(records.subarray(start, start + bytes), i);
  }
  return images;
}

/** Puts an image of planes [3, pixels] at its place among images [pixels, 3]. */
type Interleave = (planes: Uint8Array, image: number) => void;

/** Bytes of four pixels: three words. */
const WHOLE_WORDS = 12;

function bytesInto(images: Uint8Array, bytes: number): Interleave {
  const count = bytes / 3;
  return (planes, image) => {
    for (let pixel = 0, out = image * bytes; pixel < count; pixel++, out += 3) {
      images[out] = planes[pixel] as number;
      images[out + 1] = planes[count + pixel] as number;
      images[out + 2] = planes[2 * count + pixel] as number;
    }
  };
}

/** The same four pixels at a time, in words; for little-endian CPUs, as all that TensorFlow runs on are. */
function wordsInto(images: Uint8Array, bytes: number): Interleave {
  const out = new Uint32Array(images.buffer);
  // Records lie anywhere, words at multiples of four.
  const words = new Uint32Array(bytes / 4);
  const copy = new Uint8Array(words.buffer);
  const count = words.length / 3;
  return (planes, image) => {
    copy.set(planes);
    for (let i = 0, to = image * words.length; i < count; i++, to += 3) {
      const red = words[i] as number;
      const green = words[count + i] as number;
      const blue = words[2 * count + i] as number;
      out[to] = (red & 0xff) | ((green & 0xff) << 8) | ((blue & 0xff) << 16) | ((red & 0xff00) << 16);
      out[to + 1] = ((green >>> 8) & 0xff) | (blue & 0xff00) | (red & 0xff0000) | ((green & 0xff0000) << 8);
      out[to + 2] = ((blue >>> 16) & 0xff) | ((red >>> 16) & 0xff00) | ((green >>> 8) & 0xff0000) | (blue & 0xff000000);
    }
  };
}
