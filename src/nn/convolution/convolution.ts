import { ownOp } from "../../ops/ops.js";
import { type NativeAttribute, nativeBackend } from "../../runtime/native.js";
import { ownOpsServe } from "../../runtime/ownOps.js";
import type { Tensor, Tensor4D } from "../../runtime/tf.js";
import { defineOp } from "../defineOp.js";
import {
  type CallConvolution,
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
}

/** Calls an op of a kind of convolution, ours where our kernels serve it. */
export const callOf =
  ({ attributes }: ConvolutionKind): CallConvolution =>
  (op, inputs, settings) =>
    nativeBackend().executeSingleOutput(
      isOurs(settings) ? ownOp(op) : op,
      attributes(settings),
      inputs,
    );

/** The gradients of a kind of convolution, of images that are padded before where that is faster. */
export function gradientsFor(kind: ConvolutionKind) {
  const call = callOf(kind);
  const [plain, padded] = [plainGradients(call, kind), paddedGradients(call, kind)];
  return (settings: ConvolutionSettings) => (isPaddedFirst(settings) ? padded : plain);
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
const isPaddedFirst = (settings: ConvolutionSettings): boolean => {
  const isTaken = nativeBackend().isUsingGpuDevice || isOurs(settings);
  return !isTaken && settings.padding > 0 && !isSame(settings);
};

/** What our own kernels serve (src/native/kernels): channels come in multiples of the last. */
const OWN = { kernels: [1, 3], strides: [1, 2], channels: 16 };

/** Whether our own kernels compute a convolution and its gradients (docs/adr/0007). */
const isOurs = (settings: ConvolutionSettings): boolean => {
  const { kernelSize, stride, padding, inputs, outputs } = settings;
  return (
    OWN.kernels.includes(kernelSize) &&
    OWN.strides.includes(stride) &&
    kernelSize === 2 * padding + 1 &&
    inputs % OWN.channels === 0 &&
    outputs % OWN.channels === 0 &&
    ownOpsServe()
  );
};

/** Convolutions in which every filter sees all channels. */
export const DENSE: ConvolutionKind = {
  name: "conv2d",
  forward: "Conv2D",
  inputGradient: "Conv2DBackpropInput",
  filterGradient: "Conv2DBackpropFilter",
  attributes: denseAttributes,
};

const denseConvolution = defineConvolution(DENSE);

const depthwiseConvolution = defineConvolution({
  name: "depthwiseConv2d",
  forward: "DepthwiseConv2dNative",
  inputGradient: "DepthwiseConv2dNativeBackpropInput",
  filterGradient: "DepthwiseConv2dNativeBackpropFilter",
  attributes: depthwiseAttributes,
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
