import { sizeOf } from "../common/shapes.js";
import type { Facts } from "./facts.js";
import { convolution, type Shape } from "./shapes.js";

/** Every output of a convolution takes one product for each element of its filter. */
const convolutionWork = ([, filter = []]: readonly Shape[], output: Shape, channels: number) =>
  (sizeOf(output) * sizeOf(filter)) / channels;

/** Of a convolution. */
export const convolutionFacts: Facts = {
  shapes: convolution((filter) => filter[3] as number),
  multiplyAdds: (inputs, output) => convolutionWork(inputs, output, output[3] as number),
};

/** Of a depthwise one. */
export const depthwiseFacts: Facts = {
  ...convolutionFacts,
  shapes: convolution((filter) => (filter[2] as number) * (filter[3] as number)),
};

/** Arguments of convolutions and their gradients. */
export const FORWARD = "input: T, filter: T";
export const INPUT_GRADIENT = "input_sizes: int32, filter: T, out_backprop: T";
export const FILTER_GRADIENT = "input: T, filter_sizes: int32, out_backprop: T";
