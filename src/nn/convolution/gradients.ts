import { zerosAround } from "../../ops/padding.js";
import { type Tensor, tf } from "../../runtime/tf.js";
import type { ConvolutionSettings } from "./settings.js";

/** The three native ops of one kind of convolution. */
export interface ConvolutionOps {
  readonly forward: string;
  readonly inputGradient: string;
  readonly filterGradient: string;
}

/** Calls a native op of a convolution. */
export type CallConvolution = (
  op: string,
  inputs: Tensor[],
  settings: ConvolutionSettings,
) => Tensor;

/** One of the gradients of a convolution, with the shape of what it is the gradient of. */
type Gradient = (
  operand: Tensor,
  dy: Tensor,
  settings: ConvolutionSettings,
  shape: number[],
) => Tensor;

/** The two gradients of a convolution: of its images from its filter, and of its filter from its images. */
export interface ConvolutionGradients {
  readonly input: Gradient;
  readonly filter: Gradient;
}

const shapeTensor = (shape: readonly number[]): Tensor => tf.tensor1d([...shape], "int32");

/**
 * TensorFlow's own gradients end the process where images or results have no four axes or a negative size
 * (TensorFlow 2.21); ours refuse.
 * @throws RangeError where results of such sizes are not those of images of such sizes
 */
function requireFitting(
  { stride, padding, kernelSize }: ConvolutionSettings,
  images: readonly number[],
  results: readonly number[],
): void {
  const resultSize = (size: number) => Math.floor((size + 2 * padding - kernelSize) / stride) + 1;
  const [count, height, width] = images as [number, number, number];
  const expected = [count, resultSize(height), resultSize(width)];
  const fits =
    images.length === 4 &&
    results.length === 4 &&
    [...images, ...results].every((size) => Number.isInteger(size) && size >= 0) &&
    expected.every((size, axis) => size === results[axis]);
  if (fits) return;
  throw new RangeError(
    `Images [${images}] and results [${results}] are not those of a convolution with kernel ${kernelSize}, ` +
      `stride ${stride} and padding ${padding}.`,
  );
}

/** The gradients as the native ops compute them. @throws RangeError where shapes do not belong together */
export const plainGradients = (
  call: CallConvolution,
  ops: ConvolutionOps,
): ConvolutionGradients => ({
  input(filter, dy, settings, shape) {
    requireFitting(settings, shape, dy.shape);
    return call(ops.inputGradient, [shapeTensor(shape), filter, dy], settings);
  },
  filter(x, dy, settings, shape) {
    requireFitting(settings, x.shape, dy.shape);
    return call(ops.filterGradient, [x, shapeTensor(shape), dy], settings);
  },
});

/** Padding of images [N, H, W, I] whose windows are [N, H', W', O]. */
function paddingOf(
  settings: ConvolutionSettings,
  images: readonly number[],
  windows: readonly number[],
): [before: number, after: number][] {
  const along = (axis: 1 | 2) =>
    zerosAround(settings, images[axis] as number, windows[axis] as number);
  return [[0, 0], along(1), along(2), [0, 0]];
}

const sum = ([a, b]: readonly [number, number]): number => a + b;

/**
 * oneDNN, whose kernels a processor runs, has none for the gradients of convolutions with explicit padding, and
 * TensorFlow's own take several times as long (docs/adr/0006). The same gradients, of images that were padded
 * before: the input's without its margin, and the filter's as it is.
 */
export function paddedGradients(call: CallConvolution, ops: ConvolutionOps): ConvolutionGradients {
  const plain = plainGradients(call, ops);
  const unpadded = (settings: ConvolutionSettings) => ({ ...settings, padding: 0 });
  return {
    input: (filter, dy, settings, shape) => {
      requireFitting(settings, shape, dy.shape);
      const sides = paddingOf(settings, shape, dy.shape);
      const padded = shape.map((size, axis) => size + sum(sides[axis] as [number, number]));
      const gradient = plain.input(filter, dy, unpadded(settings), padded);
      return tf.slice(
        gradient,
        sides.map(([before]) => before),
        shape,
      );
    },
    filter: (x, dy, settings, shape) => {
      requireFitting(settings, x.shape, dy.shape);
      const padded = tf.pad(x, paddingOf(settings, x.shape, dy.shape));
      return plain.filter(padded, dy, unpadded(settings), shape);
    },
  };
}
