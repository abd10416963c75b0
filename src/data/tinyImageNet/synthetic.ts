import type { SyntheticOptions } from "../dataset.js";
import { classNames } from "../synthetic/patterns.js";
import { pngOf } from "../synthetic/png.js";
import { drawImages, linesOf, writeSynthetic } from "../synthetic/write.js";
import { CLASSES_FILE } from "./tree.js";

const [SIDE, CLASSES] = [64, 200];

const wnidOf = (label: number): string => `n${String(label + 1).padStart(8, "0")}`;

/** Writes artificial images in Tiny-ImageNet's layout, as PNG. @throws inputError and runError as writeSynthetic does */
export const synthesize = (directory: string, options: SyntheticOptions): Promise<void> =>
  writeSynthetic(directory, options, { side: SIDE, most: CLASSES }, (set) => {
    const images: [string, Uint8Array][] = [];
    drawImages(set, "train", (planes, label, index) => {
      const name = `${wnidOf(label)}_${index}.png`;
      images.push([`train/${wnidOf(label)}/images/${name}`, pngOf(planes, SIDE)]);
    });
    const annotations: string[] = [];
    drawImages(set, "test", (planes, label, index) => {
      images.push([`val/images/val_${index}.png`, pngOf(planes, SIDE)]);
      annotations.push([`val_${index}.png`, wnidOf(label), 0, 0, SIDE - 1, SIDE - 1].join("\t"));
    });
    const wnids = Array.from({ length: set.classes }, (_, label) => wnidOf(label));
    const words = classNames(set.classes).map((name, label) => `${wnidOf(label)}\t${name}`);
    return new Map([
      ...images,
      ["val/val_annotations.txt", linesOf(annotations)],
      ["words.txt", linesOf(words)],
      [CLASSES_FILE, linesOf(wnids)],
    ]);
  });
