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

/** The gradients as the native ops compute them. */
export const plainGradients = (
  call: CallConvolution,
  ops: ConvolutionOps,
): ConvolutionGradients => ({
  input: (filter, dy, settings, shape) =>
    call(ops.inputGradient, [shapeTensor(shape), filter, dy], settings),
  filter: (x, dy, settings, shape) =>
    call(ops.filterGradient, [x, shapeTensor(shape), dy], settings),
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
      const sides = paddingOf(settings, shape, dy.shape);
      const padded = shape.map((size, axis) => size + sum(sides[axis] as [number, number]));
      const gradient = plain.input(filter, dy, unpadded(settings), padded);
      return tf.slice(
        gradient,
        sides.map(([before]) => before),
        shape,
      );
    },
    filter: (x, dy, settings, shape) =>
      plain.filter(
        tf.pad(x, paddingOf(settings, x.shape, dy.shape)),
        dy,
        unpadded(settings),
        shape,
      ),
  };
}
