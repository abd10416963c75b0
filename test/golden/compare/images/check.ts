import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { inputError, PefdError } from "#pefd/common/errors.js";
import { type ImageReader, openImageReader, presentResizer } from "#pefd/data/images/reader.js";
import { IMAGENET } from "#pefd/data/normalize.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { type Check, checkSame, mismatch } from "../comparison.js";
import { checkDraws } from "./drawsCheck.js";
import { checkImage } from "./imageCheck.js";
import type { ImagesGolden } from "./schema.js";

/** The folder of the images, beside that of the golden file. */
const folderOf = (path: string): string => join(dirname(path), "../images");

/** @throws inputError where the image is not there */
function readImage(folder: string, name: string): Buffer {
  try {
    return readFileSync(join(folder, name));
  } catch (error) {
    throw inputError(
      `${name}, which the golden file is about, cannot be read: ${(error as Error).message}.`,
      `Its images are expected in ${folder}.`,
    );
  }
}

/** Files that cannot be read must be refused, with their names. */
function checkRefusals(folder: string, reader: ImageReader): Check[] {
  const odd = JSON.parse(readImage(folder, "odd.json").toString()) as Readonly<
    Record<string, { readonly pillow: string }>
  >;
  const damaged = Object.keys(odd).filter((name) => odd[name]?.pillow === "fails");
  return damaged.map((name) => {
    try {
      reader.pixels(name, readImage(folder, join("odd", name)));
    } catch (error) {
      const isNamed = error instanceof PefdError && error.message.includes(name);
      if (isNamed) return checkSame(name, "refused", "refused");
      throw error;
    }
    return mismatch(name, "is not refused");
  });
}

/** Compares torchvision's transforms of real images with ours: native, and in plain JavaScript. @param path of the file */
export function checkImages(golden: ImagesGolden, path: string): Check[] {
  const { binding } = nativeBackend();
  const plain = openImageReader(binding, "plain");
  const readers = presentResizer() === "plain" ? { plain } : { native: openImageReader(binding), plain };
  const folder = folderOf(path);
  const { mean, deviation } = golden;
  return [
    checkSame("normalisation", { mean, deviation }, IMAGENET),
    ...golden.random_resized_crop.flatMap(checkDraws),
    ...[...golden.images, ...golden.odd].flatMap((image) =>
      checkImage(image, readImage(folder, image.file), readers, golden),
    ),
    ...checkRefusals(folder, plain),
  ];
}
