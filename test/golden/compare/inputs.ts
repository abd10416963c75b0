import { permute4 } from "#pefd/common/shapes.js";
import type { Feed } from "./execute.js";
import { formulaValues, signedValue } from "./formula.js";
import type { ImagesInput } from "./schema.js";
import type { HostTensor } from "./summary.js";

/** Half the distance of neighbouring float32 numbers at most, relative. */
const ROUNDING = 6e-8;

/** Key of the first set of roundings. */
const ROUNDING_KEY = 9900;

/** Which of many sets of roundings images are off by, and by how many roundings each element is, up or down. */
export interface Roundings {
  readonly set: number;
  readonly size: number;
}

/** Images as the formula has them. */
export const EXACT_IMAGES: Roundings = { set: 0, size: 0 };

/** 1, a little more or a little less: the factor by which an element of the images is off. */
const rounding = ({ set, size }: Roundings, i: number): number =>
  1 + size * ROUNDING * Math.sign(signedValue(ROUNDING_KEY + set, i));

/** Images of a batch from one of its elements on. */
export type PartOfImages = ImagesInput & { readonly from?: number };

/** The formula's images, [N, H, W, 3]. */
export function imagesFeed({ k, scale, shape, from = 0 }: PartOfImages, off = EXACT_IMAGES): Feed {
  const values = formulaValues(shape, (i) => signedValue(k, from + i) * scale * rounding(off, from + i));
  const [batch, channels, height, width] = shape as [number, number, number, number];
  return {
    values: permute4(values, shape, [0, 2, 3, 1]),
    shape: [batch, height, width, channels],
    dtype: "float32",
  };
}

/** Labels as rows of zeros with a one, [N, classes]. */
export function oneHotFeed(labels: readonly number[], classes: number): Feed {
  const values = new Float32Array(labels.length * classes);
  for (const [row, label] of labels.entries()) values[row * classes + label] = 1;
  return { values, shape: [labels.length, classes], dtype: "float32" };
}

/** A feature map or vector in PyTorch's layout: NHWC becomes NCHW. */
export function channelsFirst({ shape, values }: HostTensor): HostTensor {
  if (shape.length !== 4) return { shape, values };
  const [batch, height, width, channels] = shape as [number, number, number, number];
  return {
    shape: [batch, channels, height, width],
    values: permute4(values, shape, [0, 3, 1, 2]),
  };
}
