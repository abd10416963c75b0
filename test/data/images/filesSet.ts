import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ImagesInFiles } from "#pefd/data/dataset.js";
import { imagePlaces } from "#pefd/data/images/places.js";
import { IMAGENET } from "#pefd/data/normalize.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { fileNamed } from "./generated.js";

const FILES = ["420.jpg", "rgb.png", "gray.jpg", "progressive.jpg", "lossy.webp", "image.bmp"];

/** Images in files of several formats and sizes, shown as 32 x 32, of two classes. @param damaged one that is truncated */
export function filesSet(t: TestContext, count: number, damaged?: number): ImagesInFiles {
  const folder = temporaryFolder(t);
  const names = Array.from({ length: count }, (_, i) => `${i}_${FILES[i % FILES.length]}`);
  for (const [i, name] of names.entries()) {
    const file = fileNamed(FILES[i % FILES.length] as string);
    writeFileSync(join(folder, name), i === damaged ? file.subarray(0, 60) : file);
  }
  return {
    kind: "files",
    height: 32,
    width: 32,
    channels: 3,
    count,
    normalization: IMAGENET,
    augmentation: { kind: "resized crop", scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
    evaluation: { resize: 36, crop: 32 },
    labels: Uint16Array.from({ length: count }, (_, i) => i % 2),
    places: imagePlaces(folder, names),
  };
}
