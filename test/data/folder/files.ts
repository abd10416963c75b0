import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Writes files of some bytes below a folder, and what leads to them. */
export function writeFiles(directory: string, names: readonly string[]): string {
  for (const name of names) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `bytes of ${name}`);
  }
  return directory;
}

/** Two classes, dogs of two races in folders of their own. */
export const PETS = [
  "train/dog/b/2.png",
  "train/dog/b/10.JPEG",
  "train/dog/z.jpg",
  "train/cat/potter's.webp",
  "train/cat/.DS_Store",
  "train/cat/cat_boxes.txt",
  "train/.hidden/x.jpg",
  "val/dog/1.bmp",
  "val/cat/1.jpg",
];
