import { createRandom, type Random } from "../../common/random.js";
import type { ResizedCrop } from "../augmentation.js";
import { type Box, boxView, type ImageSize, roundHalfEven, type View } from "./view.js";

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

export interface CropSource {
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
  /** The image's place in its set. */
  readonly image: number;
}

/** RandomResizedCrop and flip of an image, from seed, epoch and image alone. @param size what the box is resized to */
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
