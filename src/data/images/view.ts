import { createRandom, type Random } from "../../common/random.js";
import type { CenterCrop, ResizedCrop } from "../augmentation.js";
import type { ImageShape } from "../dataset.js";

/** How often a box is drawn that may not fit into the image. */
const TRIES = 10;

/** torchvision's RandomResizedCrop: uniform area, log-uniform ratio; after ten misses the largest allowed middle box. */
export function drawBox(random: Random, image: ImageSize, crop: ResizedCrop): Box {
  const within = (from: number, to: number) => from + (to - from) * random.uniform();
  const [narrow, wide] = crop.ratio.map(Math.log) as [number, number];
  const { height: full, width: across } = image;
  for (let i = 0; i < TRIES; i++) {
    const area = full * across * within(...crop.scale);
    const ratio = Math.exp(within(narrow, wide));
    const width = roundHalfEven(Math.sqrt(area * ratio));
    const height = roundHalfEven(Math.sqrt(area / ratio));
    if (width <= 0 || width > across || height <= 0 || height > full) continue;
    const top = random.integer(full - height + 1);
    return { top, left: random.integer(across - width + 1), height, width };
  }
  return middleBox(image, crop.ratio);
}

function middleBox({ height: full, width: across }: ImageSize, [least, largest]: readonly [number, number]): Box {
  const ratio = across / full;
  const height = ratio < least ? roundHalfEven(across / least) : full;
  const width = ratio > largest ? roundHalfEven(full * largest) : across;
  const middle = (whole: number, part: number) => Math.floor((whole - part) / 2);
  return { top: middle(full, height), left: middle(across, width), height, width };
}

interface CropSource {
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
  /** The image's place in its set. */
  readonly image: number;
}

/** RandomResizedCrop and flip of an image, from seed, epoch and image only. @param size what the box is resized to */
export function trainingView(
  image: ImageSize,
  size: ImageSize,
  crop: ResizedCrop,
  { seed, epoch, image: index }: CropSource,
): View {
  const random = createRandom(seed, "crop", epoch, index);
  const box = drawBox(random, image, crop);
  return boxView(box, size, random.integer(2) === 1);
}

export type ImageSize = Pick<ImageShape, "height" | "width">;

/** A part of an image, in pixels from its upper left corner. */
export type Box = ImageSize & { readonly top: number; readonly left: number };

/** `box` is resized to `size` (Pillow's bilinear with antialiasing), and `window` of that taken, flipped or not. */
export type View = { readonly box: Box; readonly size: ImageSize; readonly window: Box; readonly flip: boolean };

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
