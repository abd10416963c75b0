import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { howToGet, readDataFile } from "../binary/dataFile.js";

/** As `--dataset` names it. */
export const NAME = "stl10";
export const CLASSES = 10;

/** Side of the images in pixels, and bytes of one. */
export const SIDE = 96;
export const IMAGE_BYTES = 3 * SIDE * SIDE;

/** Images and labels of each half lie in files of their own, named as in the official archive. */
export const HALVES = {
  train: { images: "train_X.bin", labels: "train_y.bin" },
  test: { images: "test_X.bin", labels: "test_y.bin" },
} as const;
export const NAMES_FILE = "class_names.txt";

const HINT = howToGet(NAME);

/** As many as the unlabelled images that are published with these. */
const MOST_IMAGES = 100_000;

/** One half as its files hold it. */
export interface Half {
  /** [count, 3, 96, 96] bytes: all of red, all of green, all of blue, column by column. */
  readonly images: Uint8Array;
  /** [count], the classes from 1. */
  readonly labels: Uint8Array;
}

/**
 * Reads one half.
 * @throws inputError if a file is missing, unreadable, empty, of a wrong size, or has a label other than 1 to 10
 */
export function readHalf(directory: string, part: keyof typeof HALVES): Half {
  const [imagePath, labelPath] = [HALVES[part].images, HALVES[part].labels].map((file) =>
    join(directory, file),
  ) as [string, string];
  const images = readDataFile(imagePath, { maxBytes: MOST_IMAGES * IMAGE_BYTES, hint: HINT });
  const labels = readDataFile(labelPath, { maxBytes: MOST_IMAGES, hint: HINT });
  if (images.length === 0) throw inputError(`${imagePath} is empty (0 bytes).`, HINT);
  if (images.length !== labels.length * IMAGE_BYTES) {
    throw inputError(
      `${imagePath} has ${images.length} bytes, expected ${labels.length * IMAGE_BYTES}: ` +
        `${IMAGE_BYTES} for each of the ${labels.length} labels of ${labelPath}.`,
      HINT,
    );
  }
  const wrong = labels.findIndex((label) => label < 1 || label > CLASSES);
  if (wrong < 0) return { images, labels };
  throw inputError(
    `${labelPath} has the label ${labels[wrong]} at byte ${wrong}, expected 1 to ${CLASSES}.`,
    HINT,
  );
}

/**
 * The pixels of images, row by row and colours interleaved.
 * @param chosen indices of the images to take, in the order wanted; all when left out
 * @returns [n, 96, 96, 3] bytes
 */
export function pixelsOf({ images, labels }: Half, chosen?: Int32Array): Uint8Array {
  const count = chosen?.length ?? labels.length;
  const pixels = new Uint8Array(count * IMAGE_BYTES);
  for (let i = 0; i < count; i++) {
    const start = (chosen ? (chosen[i] as number) : i) * IMAGE_BYTES;
    transpose(images.subarray(start, start + IMAGE_BYTES), pixels.subarray(i * IMAGE_BYTES));
  }
  return pixels;
}

/** @param planes [3, column, row] @param pixels [row, column, 3] at its start */
function transpose(planes: Uint8Array, pixels: Uint8Array): void {
  let out = 0;
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      for (let channel = 0; channel < 3; channel++) {
        pixels[out++] = planes[(channel * SIDE + column) * SIDE + row] as number;
      }
    }
  }
}
