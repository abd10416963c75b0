import { ownOp } from "../../ops/ops.js";
import { zerosAround } from "../../ops/shapes.js";
import {
  boolAttribute,
  DT,
  intAttribute,
  type NativeAttribute,
  nativeBackend,
  stringAttribute,
  typeAttribute,
} from "../../runtime/native.js";
import { ownOpsServe } from "../../runtime/ownOps.js";
import { type Tensor, type Tensor4D, tf } from "../../runtime/tf.js";
import { defineOp } from "../defineOp.js";

/** Geometry of a convolution; symmetric padding, as in PyTorch. */
export interface ConvolutionGeometry {
  readonly stride: number;
  readonly padding: number;
}

/** Arguments of a convolution's ops: its geometry, and its filter's [kernel, kernel, inputs, outputs]. */
export interface ConvolutionSettings extends ConvolutionGeometry {
  readonly kernelSize: number;
  readonly inputs: number;
  readonly outputs: number;
}

const isSame = ({ stride, padding, kernelSize }: ConvolutionSettings): boolean =>
  stride === 1 && kernelSize === 2 * padding + 1;

const explicitPaddings = (pads: number[]): NativeAttribute => intAttribute("explicit_paddings", pads);

/** Explicit padding is PyTorch's for every stride; TensorFlow's SAME, with faster kernels, agrees only for stride 1. */
function paddingAttributes(settings: ConvolutionSettings): NativeAttribute[] {
  const { padding } = settings;
  if (padding === 0) return [stringAttribute("padding", "VALID"), explicitPaddings([])];
  if (isSame(settings)) return [stringAttribute("padding", "SAME"), explicitPaddings([])];
  const pads = [0, 0, padding, padding, padding, padding, 0, 0];
  return [stringAttribute("padding", "EXPLICIT"), explicitPaddings(pads)];
}

const depthwiseAttributes = (settings: ConvolutionSettings): NativeAttribute[] => [
  typeAttribute("T", DT.float),
  intAttribute("strides", [1, settings.stride, settings.stride, 1]),
  intAttribute("dilations", [1, 1, 1, 1]),
  stringAttribute("data_format", "NHWC"),
  ...paddingAttributes(settings),
];

/** use_cudnn_on_gpu is TensorFlow's default. */
const denseAttributes = (settings: ConvolutionSettings): NativeAttribute[] => [
  ...depthwiseAttributes(settings),
  boolAttribute("use_cudnn_on_gpu", true),
];

interface ConvolutionOps {
  readonly forward: string;
  readonly inputGradient: string;
  readonly filterGradient: string;
}

type CallConvolution = (op: string, inputs: Tensor[], settings: ConvolutionSettings) => Tensor;

/** A gradient of a convolution, with its shape. */
type Gradient = (operand: Tensor, dy: Tensor, settings: ConvolutionSettings, shape: number[]) => Tensor;

interface ConvolutionGradients {
  readonly input: Gradient;
  readonly filter: Gradient;
}

const shapeTensor = (shape: readonly number[]): Tensor => tf.tensor1d([...shape], "int32");

/** TensorFlow 2.21's gradients abort the process for shapes that do not fit. @throws RangeError for all of those */
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

/** The gradients as the native ops compute them. @throws RangeError where shapes do not fit */
const plainGradients = (call: CallConvolution, ops: ConvolutionOps): ConvolutionGradients => ({
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
  const along = (axis: 1 | 2) => zerosAround(settings, images[axis] as number, windows[axis] as number);
  return [[0, 0], along(1), along(2), [0, 0]];
}

const sum = ([a, b]: readonly [number, number]): number => a + b;

/** Gradients of padded images, cropped: oneDNN has none for explicit padding, TensorFlow's are slow (docs/adr/0006). */
function paddedGradients(call: CallConvolution, ops: ConvolutionOps): ConvolutionGradients {
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

export interface ConvolutionKind extends ConvolutionOps {
  readonly name: string;
  readonly attributes: (settings: ConvolutionSettings) => NativeAttribute[];
  /** Whether our kernels support one of its ops (docs/adr/0007). */
  readonly isServed: (settings: ConvolutionSettings, op: string) => boolean;
}

/** Convolutions that our kernels (src/native/kernels) support: 1x1 and 3x3, with PyTorch's padding. */
const OWN = { kernels: [1, 3], strides: [1, 2], channels: 16 };

const hasServedWindows = ({ kernelSize, stride, padding }: ConvolutionSettings): boolean =>
  OWN.kernels.includes(kernelSize) && OWN.strides.includes(stride) && kernelSize === 2 * padding + 1;

const isOurs = ({ isServed }: ConvolutionKind, settings: ConvolutionSettings, op: string): boolean =>
  isServed(settings, op) && ownOpsServe();

/** Calls an op of a kind of convolution, ours where supported. */
export const callOf =
  (kind: ConvolutionKind): CallConvolution =>
  (op, inputs, settings) =>
    nativeBackend().executeSingleOutput(isOurs(kind, settings, op) ? ownOp(op) : op, kind.attributes(settings), inputs);

/** The gradients of a kind of convolution, with separate padding where that is faster. */
export function gradientsFor(kind: ConvolutionKind) {
  const call = callOf(kind);
  const [plain, padded] = [plainGradients(call, kind), paddedGradients(call, kind)];
  const of = (settings: ConvolutionSettings, op: string) => (isPaddedFirst(kind, settings, op) ? padded : plain);
  return (settings: ConvolutionSettings): ConvolutionGradients => ({
    input: of(settings, kind.inputGradient).input,
    filter: of(settings, kind.filterGradient).filter,
  });
}

function defineConvolution(kind: ConvolutionKind) {
  const call = callOf(kind);
  const gradients = gradientsFor(kind);
  return defineOp({
    name: kind.name,
    inputs: ["x", "filter"],
    outputs: ["y"],
    saved: ["x", "filter"],
    forward: ({ x, filter }, settings: ConvolutionSettings) => [call(kind.forward, [x, filter], settings)],
    gradient: (dy, { x, filter }, settings) => ({
      x: () => gradients(settings).input(filter, dy, settings, x.shape),
      filter: () => gradients(settings).filter(x, dy, settings, filter.shape),
    }),
  });
}

/** GPUs and our kernels support explicit padding. */
const isPaddedFirst = (kind: ConvolutionKind, settings: ConvolutionSettings, op: string): boolean => {
  const isTaken = nativeBackend().isUsingGpuDevice || isOurs(kind, settings, op);
  return !isTaken && settings.padding > 0 && !isSame(settings);
};

const DENSE_OPS: ConvolutionOps = {
  forward: "Conv2D",
  inputGradient: "Conv2DBackpropInput",
  filterGradient: "Conv2DBackpropFilter",
};

/** A model's first convolution, with few channels, needs no data gradient. */
const isServedStem = ({ kernelSize, inputs }: ConvolutionSettings, op: string): boolean =>
  kernelSize === 3 && inputs < OWN.channels && op !== DENSE_OPS.inputGradient;

export const DENSE: ConvolutionKind = {
  name: "conv2d",
  ...DENSE_OPS,
  attributes: denseAttributes,
  isServed: (settings, op) =>
    hasServedWindows(settings) &&
    (isServedStem(settings, op) ||
      [settings.inputs, settings.outputs].every((channels) => channels % OWN.channels === 0)),
};

/** Grouped convolutions, with any number of channels. */
const GROUPED: ConvolutionKind = {
  ...DENSE,
  name: "groupedConv2d",
  isServed: ({ kernelSize, stride, padding }) => kernelSize === 1 && stride === 1 && padding === 0,
};

const denseConvolution = defineConvolution(DENSE);
const groupedConvolution = defineConvolution(GROUPED);

const depthwiseConvolution = defineConvolution({
  name: "depthwiseConv2d",
  forward: "DepthwiseConv2dNative",
  inputGradient: "DepthwiseConv2dNativeBackpropInput",
  filterGradient: "DepthwiseConv2dNativeBackpropFilter",
  attributes: depthwiseAttributes,
  isServed: (settings) => hasServedWindows(settings) && settings.kernelSize === 3 && settings.outputs === 1,
});

/** Op arguments for a filter [kernel, kernel, I, O]. */
export function settingsOf({ stride, padding }: ConvolutionGeometry, filter: Tensor): ConvolutionSettings {
  const [kernelSize, , inputs, outputs] = filter.shape as [number, number, number, number];
  return { stride, padding, kernelSize, inputs, outputs };
}

/** torch.nn.functional.conv2d without bias, of x [N, H, W, I] and [kernel, kernel, I, O] to [N, H', W', O]. */
export const conv2d = (x: Tensor4D, filter: Tensor, geometry: ConvolutionGeometry): Tensor4D =>
  denseConvolution({ x, filter }, settingsOf(geometry, filter)).y as Tensor4D;

/** A grouped convolution as one of our ops, with the shapes of groupedConv2d; undefined where it is not supported. */
export function ownGroupedConv2d(x: Tensor4D, filter: Tensor, geometry: ConvolutionGeometry): Tensor4D | undefined {
  const settings = settingsOf(geometry, filter);
  return isOurs(GROUPED, settings, GROUPED.forward)
    ? (groupedConvolution({ x, filter }, settings).y as Tensor4D)
    : undefined;
}

/** conv2d with groups = channels, without bias, of x [N, H, W, C] and [kernel, kernel, C, 1] to [N, H', W', C]. */
export const depthwiseConv2d = (x: Tensor4D, filter: Tensor, geometry: ConvolutionGeometry): Tensor4D =>
  depthwiseConvolution({ x, filter }, settingsOf(geometry, filter)).y as Tensor4D;
