import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ByteImage } from "#pefd/data/strong/image.js";
import { ROOT } from "../../helpers/paths.js";

/** A file as Pillow writes it, and the pixels that Pillow reads from it. */
export interface EncodedFile {
  readonly name: string;
  /** base64 */
  readonly file: string;
  readonly height: number;
  readonly width: number;
  readonly sha256: string;
}

/** What Pillow makes of images that follow from a formula; pillow.py wrote it. */
interface PillowGolden {
  readonly views: readonly {
    readonly image: readonly [number, number];
    readonly box: readonly number[];
    readonly size: readonly [number, number];
    readonly window: readonly number[];
    readonly flip: boolean;
    readonly sha256: string;
  }[];
  readonly files: readonly EncodedFile[];
  readonly cmyk: EncodedFile;
}

export const PILLOW: PillowGolden = JSON.parse(readFileSync(join(ROOT, "test/data/images/pillow.json"), "utf8"));

/** The bytes of a file of pillow.json. */
export function fileNamed(name: string): Buffer {
  const found = [...PILLOW.files, PILLOW.cmyk].find((each) => each.name === name);
  return Buffer.from(found?.file ?? "", "base64");
}

/** The same formula as image_of in pillow.py. */
export function imageOf(height: number, width: number): ByteImage {
  const bytes = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const [y, x, c] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3];
    const level = x * 5 * (c + 1) + y * 7 + ((x * x * 31 + y * y * 17 + c * 11) % 23) * 9;
    return (level * 3) % 256;
  });
  return { height, width, bytes };
}
