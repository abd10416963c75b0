import type { CenterCrop } from "../augmentation.js";
import type { ImageShape } from "../dataset.js";

export type ImageSize = Pick<ImageShape, "height" | "width">;

/** A part of an image, in pixels from its upper left corner. */
export interface Box extends ImageSize {
  readonly top: number;
  readonly left: number;
}

/** `box` is resized to `size` (Pillow's bilinear with antialiasing), and `window` of that taken, flipped or not. */
export interface View {
  readonly box: Box;
  readonly size: ImageSize;
  readonly window: Box;
  readonly flip: boolean;
}

/** All of an image. */
export const wholeOf = ({ height, width }: ImageSize): Box => ({ top: 0, left: 0, height, width });

/** Half is rounded to the even neighbour, as Python does. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** torchvision's Resize(shortSide): the long side is cut to whole pixels, never rounded up. */
export function resizedSize({ height, width }: ImageSize, shortSide: number): ImageSize {
  const longSide = Math.trunc((shortSide * Math.max(height, width)) / Math.min(height, width));
  return width <= height ? { height: longSide, width: shortSide } : { height: shortSide, width: longSide };
}

/** The evaluation view of an image: torchvision's Resize(resize), then CenterCrop(crop). */
export function evaluationView(image: ImageSize, { resize, crop }: CenterCrop): View {
  const size = resizedSize(image, resize);
  const window = {
    top: roundHalfEven((size.height - crop) / 2),
    left: roundHalfEven((size.width - crop) / 2),
    height: crop,
    width: crop,
  };
  return { box: wholeOf(image), size, window, flip: false };
}

/** A box of the image resized to a size, and flipped where `flip` says so: torchvision's resized_crop and hflip. */
export const boxView = (box: Box, size: ImageSize, flip: boolean): View => ({ box, size, flip, window: wholeOf(size) });
