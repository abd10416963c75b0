import { sizeOf } from "../common/shapes.js";

/** A tensor of which only the shape is known. */
export interface Shaped {
  readonly shape: number[];
}

/** Where multiplications with an addition are counted. */
export interface WorkCounter {
  multiplyAdds: number;
}

/** Places of a window of size `kernel` along an axis. */
const places = (size: number, kernel: number, stride: number): number =>
  Math.floor((size - kernel) / stride) + 1;

/** [N, H, W, C] after a square window moved over it. */
function windowed({ shape }: Shaped, kernel: number, stride: number, channels: number): Shaped {
  const [batch, height, width] = shape as [number, number, number];
  return {
    shape: [batch, places(height, kernel, stride), places(width, kernel, stride), channels],
  };
}

type Window = { readonly stride: number; readonly padding: number };

const padded = ({ shape }: Shaped, { padding }: Window): Shaped => {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  return { shape: [batch, height + 2 * padding, width + 2 * padding, channels] };
};

/** A convolution's output; every output element takes one multiplication per filter element of its channel. */
function convolved(
  work: WorkCounter,
  { x, filter }: Readonly<Record<string, Shaped>>,
  geometry: Window,
  channelAxis: 2 | 3,
): Shaped {
  const [image, weights] = [x as Shaped, filter as Shaped];
  const channels = weights.shape[channelAxis] as number;
  const kernel = weights.shape[0] as number;
  const y = windowed(padded(image, geometry), kernel, geometry.stride, channels);
  work.multiplyAdds += (sizeOf(y.shape) * sizeOf(weights.shape)) / channels;
  return y;
}

function sameShape(a: Shaped, b: Shaped): Shaped {
  if (a.shape.join() === b.shape.join()) return a;
  throw new RangeError(`Shapes [${a.shape}] and [${b.shape}] cannot be added.`);
}

/** Our own kernels (see kernels.ts) by name; those not named keep the shape of their first input. */
function runKernel(
  work: WorkCounter,
  name: string,
  inputs: Readonly<Record<string, Shaped>>,
  settings: Window,
): Shaped {
  if (name === "PefdConv2D") return convolved(work, inputs, settings, 3);
  if (name === "PefdDepthwiseConv2D") return convolved(work, inputs, settings, 2);
  return inputs.x as Shaped;
}

/**
 * The part of TensorFlow.js that models' evaluation mode is written in, on shapes instead of values.
 * @param work counts up while ops run
 */
export const shapeTensorFlow = (work: WorkCounter) => ({
  engine: () => ({
    runKernel: (name: string, inputs: Record<string, Shaped>, settings: Window) =>
      runKernel(work, name, inputs, settings),
  }),
  // The only op called without a kernel of ours is batch normalisation, which keeps the shape.
  backend: () => ({
    binding: {},
    executeMultipleOutputs: (_op: string, _attributes: unknown, [x]: Shaped[]) => [x],
  }),
  add: sameShape,
  matMul(x: Shaped, weight: Shaped): Shaped {
    const [outputs, inputs] = weight.shape as [number, number]; // [out, in], transposed
    const batch = x.shape[0] as number;
    work.multiplyAdds += batch * outputs * inputs;
    return { shape: [batch, outputs] };
  },
  mean: ({ shape }: Shaped, axes: number[]): Shaped => ({
    shape: shape.filter((_, axis) => !axes.includes(axis)),
  }),
  concat: (parts: Shaped[], axis: number): Shaped => {
    const [first] = parts as [Shaped];
    const size = parts.reduce((sum, { shape }) => sum + (shape[axis] as number), 0);
    return { shape: first.shape.with(axis, size) };
  },
  pad: ({ shape }: Shaped, sides: [number, number][]): Shaped => ({
    shape: shape.map((size, axis) => size + (sides[axis]?.[0] ?? 0) + (sides[axis]?.[1] ?? 0)),
  }),
  maxPool: (x: Shaped, kernel: number, stride: number): Shaped =>
    windowed(x, kernel, stride, x.shape[3] as number),
  avgPool: (x: Shaped, kernel: number, stride: number): Shaped =>
    windowed(x, kernel, stride, x.shape[3] as number),
});
