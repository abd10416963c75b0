import { inputError } from "../../common/errors.js";
import type { SyntheticOptions } from "../dataset.js";
import { classNames } from "../synthetic/patterns.js";
import { pngOf } from "../synthetic/png.js";
import { drawImages, writeSynthetic } from "../synthetic/write.js";

/** Of the images' sides, and of the classes that the patterns tell apart. */
const [SIDE, CLASSES] = [96, 100];

/** As many as occur where it is not said. */
const USUAL = 10;

/** A class without an image is no folder, and both halves are to have the same. */
function classesOf({ classes, train, test }: SyntheticOptions): number {
  const most = Math.min(train, test);
  if (classes === undefined) return Math.min(USUAL, most);
  if (classes <= most) return classes;
  throw inputError(
    `${classes} classes need as many images for training and for tests, and there are to be ${train} and ${test}.`,
    "Give more with --train and --test, or fewer --classes.",
  );
}

/**
 * Writes artificial images into folders of classes, as PNG.
 * @throws inputError for more classes than images; inputError and runError as writeSynthetic does
 */
export async function synthesize(directory: string, options: SyntheticOptions): Promise<void> {
  const wanted = { ...options, classes: classesOf(options) };
  return writeSynthetic(directory, wanted, { side: SIDE, most: CLASSES }, (set) => {
    const names = classNames(set.classes);
    const images = (part: "train" | "test", folder: string) => {
      const files: [string, Uint8Array][] = [];
      drawImages(set, part, (planes, label, index) => {
        files.push([`${folder}/${names[label]}/${index}.png`, pngOf(planes, SIDE)]);
      });
      return files;
    };
    return new Map([...images("test", "val"), ...images("train", "train")]);
  });
}
