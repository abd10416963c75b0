import type { Tensor, Tensor4D } from "../../runtime/tf.js";
import { addVariable, type ModelBuilder } from "../builder.js";
import { defineOp } from "../defineOp.js";
import { biasAdd } from "../layers.js";
import {
  type ConvolutionGeometry,
  type ConvolutionSettings,
  callOf,
  DENSE,
  gradientsFor,
  settingsOf,
} from "./convolution.js";

const call = callOf(DENSE);
const gradients = gradientsFor(DENSE);

/** Op arguments: the convolution that it transposes, and its output [N, H', W', O]. */
interface TransposedSettings extends ConvolutionSettings {
  readonly made: number[];
}

const transposedOp = defineOp({
  name: "transposedConv2d",
  inputs: ["x", "filter"],
  outputs: ["y"],
  saved: ["x", "filter"],
  forward: ({ x, filter }, settings: TransposedSettings) => [
    gradients(settings).input(filter, x, settings, settings.made),
  ],
  gradient: (dy, { x, filter }, settings) => ({
    x: () => call(DENSE.forward, [dy, filter], settings),
    filter: () => gradients(settings).filter(dy, x, settings, filter.shape),
  }),
});

/** torch.nn.functional.conv_transpose2d: the data gradient of a convolution, filter [kernel, kernel, O, I], no bias. */
export function transposedConv2d(x: Tensor4D, filter: Tensor, geometry: ConvolutionGeometry): Tensor4D {
  const settings = settingsOf(geometry, filter);
  const { stride, padding, kernelSize } = settings;
  const [images, height, width] = x.shape;
  const grown = (size: number) => (size - 1) * stride - 2 * padding + kernelSize;
  const made = [images, grown(height), grown(width), settings.inputs];
  return transposedOp({ x, filter }, { ...settings, made }).y as Tensor4D;
}

/** Shape of a transposed convolution: kernel x kernel, the same stride and padding in both directions. */
export interface TransposedOptions extends ConvolutionGeometry {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
}

/** torch.nn.ConvTranspose2d (transposedConv2d); its weight is that of a convolution from `outputs` to `inputs`. */
export function transposedConvolution(
  builder: ModelBuilder,
  name: string,
  options: TransposedOptions,
): (x: Tensor4D) => Tensor4D {
  const { inputs, outputs, kernel } = options;
  const fanIn = outputs * kernel * kernel;
  const add = (suffix: "weight" | "bias", shape: number[]) =>
    addVariable(builder, { name: `${name}.${suffix}`, role: `conv.${suffix}`, shape, fanIn });
  const filter = add("weight", [inputs, outputs, kernel, kernel]);
  const bias = add("bias", [outputs]);
  return (x) => biasAdd(transposedConv2d(x, filter, options), bias);
}
