import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { readInputFile } from "../../common/files/inputFile.js";
import type { CenterCrop } from "../augmentation.js";
import type { DatasetRow } from "../dataset.js";
import { byName, isImage } from "../folder/listing.js";
import { ImageProblem, imageError, readHeader } from "./header.js";
import type { ImageReader } from "./reader.js";
import { evaluationView } from "./view.js";

/** The word for standard input. */
const STDIN = "-";
/** 500,000 records of CIFAR. */
const MOST_BYTES = 2 ** 31 - 1;

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
    .sort(byName);

/** A pattern of *, ? and ** as a regular expression over whole paths. */
function patternOf(glob: string): RegExp {
  const parts: Readonly<Record<string, string>> = { "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" };
  const text = glob.replace(/\*\*\/|\*\*|[*?]|[.+^${}()|[\]\\]/g, (part) => parts[part] ?? `\\${part}`);
  return new RegExp(`^${text}$`);
}

function matching(glob: string): string[] {
  const base = glob.slice(0, glob.search(/[*?]/)).replace(/[^/]*$/, "");
  const found = existsSync(base || ".") ? filesBelow(base || ".") : [];
  const pattern = patternOf(join(glob));
  return found.filter((path) => pattern.test(path) && isImage(path));
}

function filesOf(word: string): string[] {
  if (word === STDIN) return [word];
  const found = statSync(word, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) return [word];
  const files = found !== undefined ? filesBelow(word).filter(isImage) : /[*?]/.test(word) ? matching(word) : [];
  if (files.length > 0) return files;
  if (found !== undefined) throw inputError(`${word} contains no images.`, "JPEG, PNG, BMP and WebP files are read.");
  throw inputError(
    `${word} does not exist.`,
    "Give an image, a folder, a pattern such as 'photos/*.jpg', or - for stdin.",
  );
}

/**
 * Files that a user names: images, folders (all images below), patterns (*, ?, **), and - for standard input.
 * @throws inputError for a word without files
 */
export const givenFiles = (words: readonly string[]): string[] => words.flatMap(filesOf);

export interface GivenImage {
  readonly name: string;
  /** [height, width, 3] bytes, as evaluation shows them to a model. */
  readonly pixels: Uint8Array;
}

/** Whether a file holds records of the data set: it is no image, and as long as some of them. */
function isRecords(bytes: Uint8Array, { records }: DatasetRow): boolean {
  if (records === undefined || bytes.length === 0 || bytes.length % records.bytes !== 0) return false;
  try {
    return readHeader(bytes) === undefined;
  } catch (error) {
    return error instanceof ImageProblem;
  }
}

function* recordsIn(
  name: string,
  bytes: Uint8Array,
  records: NonNullable<DatasetRow["records"]>,
): Generator<GivenImage> {
  const count = bytes.length / records.bytes;
  for (let i = 0; i < count; i++) {
    const record = bytes.subarray(i * records.bytes, (i + 1) * records.bytes);
    yield { name: count === 1 ? name : `${name}#${i}`, pixels: records.pixels(record) };
  }
}

function bytesOf(file: string): Uint8Array {
  if (file === STDIN) return readFileSync(0);
  try {
    return readInputFile(file, { maxBytes: MOST_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw imageError(file, `it cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** What evaluation shows of an image of any size; the data set's own size where its images have one. */
export const cropOf = ({ evaluation, format: { height } }: Pick<DatasetRow, "evaluation" | "format">): CenterCrop =>
  evaluation === "as is" ? { resize: height, crop: height } : evaluation;

/**
 * Images of a file: one (JPEG, PNG, BMP or WebP), or the data set's binary records. Those of another size than the
 * data set's are resized by their short side and center-cropped, as evaluation does for image files.
 * @throws runError for a file that cannot be used
 */
export function* imagesIn(file: string, row: DatasetRow, reader: () => ImageReader): Generator<GivenImage> {
  const bytes = bytesOf(file);
  if (row.records !== undefined && isRecords(bytes, row)) return yield* recordsIn(file, bytes, row.records);
  yield { name: file, pixels: reader().show(file, bytes, (size) => evaluationView(size, cropOf(row))) };
}
