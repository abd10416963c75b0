import type { SyntheticOptions } from "../dataset.js";
import { classNames } from "../synthetic/patterns.js";
import { drawImages, linesOf, writeSynthetic } from "../synthetic/write.js";
import { CLASSES, HALVES, IMAGE_BYTES, NAMES_FILE, SIDE } from "./files.js";

/** Writes artificial images in STL-10's format. @throws inputError and runError as writeSynthetic does */
export const synthesize = (directory: string, options: SyntheticOptions): Promise<void> =>
  writeSynthetic(directory, options, { side: SIDE, most: CLASSES }, (set) => {
    const files = (["train", "test"] as const).flatMap((part) => {
      const images = new Uint8Array(set[part] * IMAGE_BYTES);
      const labels = new Uint8Array(set[part]);
      drawImages(set, part, (planes, label, index) => {
        images.set(columnByColumn(planes), index * IMAGE_BYTES);
        labels[index] = label + 1;
      });
      return [
        [HALVES[part].labels, labels],
        [HALVES[part].images, images],
      ] as const;
    });
    return new Map([[NAMES_FILE, linesOf(classNames(CLASSES))], ...files]);
  });

/** @param planes [3, row, column] @returns [3, column, row] */
function columnByColumn(planes: Uint8Array): Uint8Array {
  const turned = new Uint8Array(planes.length);
  for (let i = 0; i < planes.length; i++) {
    const [channel, column, row] = [
      Math.floor(i / SIDE ** 2),
      Math.floor(i / SIDE) % SIDE,
      i % SIDE,
    ];
    turned[i] = planes[(channel * SIDE + row) * SIDE + column] as number;
  }
  return turned;
}
