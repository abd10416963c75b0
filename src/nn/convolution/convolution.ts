import { ownOp } from "../../ops/ops.js";
import { type NativeAttribute, nativeBackend } from "../../runtime/native.js";
import { ownOpsServe } from "../../runtime/ownOps.js";
import type { Tensor, Tensor4D } from "../../runtime/tf.js";
import { defineOp } from "../defineOp.js";
import {
  type CallConvolution,
  type ConvolutionGradients,
  type ConvolutionOps,
  paddedGradients,
  plainGradients,
} from "./gradients.js";
import {
  type ConvolutionGeometry,
  type ConvolutionSettings,
  denseAttributes,
  depthwiseAttributes,
  isSame,
} from "./settings.js";

/** One kind of convolution. */
export interface ConvolutionKind extends ConvolutionOps {
  readonly name: string;
  readonly attributes: (settings: ConvolutionSettings) => NativeAttribute[];
  /** Whether our own kernels compute one of its ops, where they are there (docs/adr/0007). */
  readonly isServed: (settings: ConvolutionSettings, op: string) => boolean;
}

/** What our own kernels serve (src/native/kernels): 1x1 and 3x3, with PyTorch's padding. */
const OWN = { kernels: [1, 3], strides: [1, 2], channels: 16 };

const hasServedWindows = ({ kernelSize, stride, padding }: ConvolutionSettings): boolean =>
  OWN.kernels.includes(kernelSize) &&
  OWN.strides.includes(stride) &&
  kernelSize === 2 * padding + 1;

/** Whether the kernels are there that serve an op of a convolution. */
const isOurs = (
  { isServed }: ConvolutionKind,
  settings: ConvolutionSettings,
  op: string,
): boolean => isServed(settings, op) && ownOpsServe();

/** Calls an op of a kind of convolution, ours where our kernels serve it. */
export const callOf =
  (kind: ConvolutionKind): CallConvolution =>
  (op, inputs, settings) =>
    nativeBackend().executeSingleOutput(
      isOurs(kind, settings, op) ? ownOp(op) : op,
      kind.attributes(settings),
      inputs,
    );

/** The gradients of a kind of convolution, of images that are padded before where that is faster. */
export function gradientsFor(kind: ConvolutionKind) {
  const call = callOf(kind);
  const [plain, padded] = [plainGradients(call, kind), paddedGradients(call, kind)];
  const of = (settings: ConvolutionSettings, op: string) =>
    isPaddedFirst(kind, settings, op) ? padded : plain;
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
    forward: ({ x, filter }, settings: ConvolutionSettings) => [
      call(kind.forward, [x, filter], settings),
    ],
    gradient: (dy, { x, filter }, settings) => ({
      x: () => gradients(settings).input(filter, dy, settings, x.shape),
      filter: () => gradients(settings).filter(x, dy, settings, filter.shape),
    }),
  });
}

/** Not on a GPU, nor in our own kernels: they take padding as it comes. */
const isPaddedFirst = (
  kind: ConvolutionKind,
  settings: ConvolutionSettings,
  op: string,
): boolean => {
  const isTaken = nativeBackend().isUsingGpuDevice || isOurs(kind, settings, op);
  return !isTaken && settings.padding > 0 && !isSame(settings);
};

const DENSE_OPS: ConvolutionOps = {
  forward: "Conv2D",
  inputGradient: "Conv2DBackpropInput",
  filterGradient: "Conv2DBackpropFilter",
};

/** Of images with few channels, as the first convolution of a model has: nobody asks for their gradient. */
const isServedStem = ({ kernelSize, inputs }: ConvolutionSettings, op: string): boolean =>
  kernelSize === 3 && inputs < OWN.channels && op !== DENSE_OPS.inputGradient;

/** Convolutions in which every filter sees all channels. */
export const DENSE: ConvolutionKind = {
  name: "conv2d",
  ...DENSE_OPS,
  attributes: denseAttributes,
  isServed: (settings, op) =>
    hasServedWindows(settings) &&
    (isServedStem(settings, op) ||
      [settings.inputs, settings.outputs].every((channels) => channels % OWN.channels === 0)),
};

/** Convolutions of several groups of channels: a pixel's product with the filter of each, with any number of channels. */
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
  isServed: (settings) =>
    hasServedWindows(settings) && settings.kernelSize === 3 && settings.outputs === 1,
});

/** What the ops of a convolution with this filter [kernel, kernel, I, O] are told. */
export function settingsOf(
  { stride, padding }: ConvolutionGeometry,
  filter: Tensor,
): ConvolutionSettings {
  const [kernelSize, , inputs, outputs] = filter.shape as [number, number, number, number];
  return { stride, padding, kernelSize, inputs, outputs };
}

/**
 * torch.nn.functional.conv2d without bias.
 * @param x [N, H, W, I]
 * @param filter [kernel, kernel, I, O]
 * @returns [N, H', W', O]
 */
export const conv2d = (x: Tensor4D, filter: Tensor, geometry: ConvolutionGeometry): Tensor4D =>
  denseConvolution({ x, filter }, settingsOf(geometry, filter)).y as Tensor4D;

/**
 * A convolution of groups by one op of ours.
 * @param x [N, H, W, groups * I]
 * @param filter [kernel, kernel, I, O]
 * @returns [N, H', W', O], or undefined where no op of ours does it
 */
export function ownGroupedConv2d(
  x: Tensor4D,
  filter: Tensor,
  geometry: ConvolutionGeometry,
): Tensor4D | undefined {
  const settings = settingsOf(geometry, filter);
  return isOurs(GROUPED, settings, GROUPED.forward)
    ? (groupedConvolution({ x, filter }, settings).y as Tensor4D)
    : undefined;
}

/**
 * torch.nn.functional.conv2d with groups = channels, without bias.
 * @param x [N, H, W, C]
 * @param filter [kernel, kernel, C, 1]
 * @returns [N, H', W', C]
 */
export const depthwiseConv2d = (
  x: Tensor4D,
  filter: Tensor,
  geometry: ConvolutionGeometry,
): Tensor4D => depthwiseConvolution({ x, filter }, settingsOf(geometry, filter)).y as Tensor4D;
