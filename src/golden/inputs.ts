import { permute4 } from "../common/shapes.js";
import type { Feed } from "./execute.js";
import { formulaValues, signedValue } from "./formula.js";
import type { ImagesInput } from "./schema.js";
import type { HostTensor } from "./summary.js";

/** The formula's images, [N, H, W, 3]. */
export function imagesFeed({ k, scale, shape }: ImagesInput): Feed {
  const values = formulaValues(shape, (i) => signedValue(k, i) * scale);
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
