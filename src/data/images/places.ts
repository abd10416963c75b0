import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { runError } from "../../common/errors.js";

/** Where the files of images lie: in memory that all threads share, so that a million names are there once. */
export interface ImagePlaces {
  /** The folder that names are relative to. */
  readonly folder: string;
  /** All names, one after the other, in UTF-8. */
  readonly names: Uint8Array<SharedArrayBuffer>;
  /** [count + 1], where each name starts and the last one ends. */
  readonly starts: Uint32Array<SharedArrayBuffer>;
  /** [count, 2], offset and length in its file of each image, for images in archives; left out where each has its own. */
  readonly parts?: Float64Array<SharedArrayBuffer>;
}

/**
 * The places of images in files.
 * @param names of their files, relative to the folder
 * @param parts [count, 2], offset and length in the file, where several images share one
 */
export function imagePlaces(
  folder: string,
  names: readonly string[],
  parts?: ArrayLike<number>,
): ImagePlaces {
  const starts = new Uint32Array(new SharedArrayBuffer(4 * (names.length + 1)));
  for (const [i, name] of names.entries()) {
    starts[i + 1] = (starts[i] as number) + Buffer.byteLength(name);
  }
  const all = new Uint8Array(new SharedArrayBuffer(starts[names.length] as number));
  const encoder = new TextEncoder();
  for (const [i, name] of names.entries()) all.set(encoder.encode(name), starts[i]);
  if (parts === undefined) return { folder, names: all, starts };
  const shared = new Float64Array(new SharedArrayBuffer(8 * parts.length));
  shared.set(parts);
  return { folder, names: all, starts, parts: shared };
}

/** The name of an image's file, relative to the folder. */
export function imageName({ names, starts }: ImagePlaces, image: number): string {
  // A decoder takes no memory that is shared.
  return Buffer.from(names.slice(starts[image], starts[image + 1])).toString();
}

function readPart(file: string, offset: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length);
  const opened = openSync(file, "r");
  try {
    const read = readSync(opened, bytes, 0, length, offset);
    return bytes.subarray(0, read);
  } finally {
    closeSync(opened);
  }
}

/**
 * The bytes of an image's file, as they are.
 * @throws runError where they cannot be read
 */
export function readImage(places: ImagePlaces, image: number): Uint8Array {
  const name = imageName(places, image);
  const file = join(places.folder, name);
  const [offset, length] = places.parts?.subarray(2 * image, 2 * image + 2) ?? [];
  try {
    return offset === undefined ? readFileSync(file) : readPart(file, offset, length as number);
  } catch (error) {
    throw runError(
      `The image ${name} cannot be read: ${(error as Error).message}.`,
      `Look after ${file}; the run goes on with --resume.`,
    );
  }
}
