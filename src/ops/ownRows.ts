import {
  convolutionFacts,
  depthwiseFacts,
  FILTER_GRADIENT,
  FORWARD,
  INPUT_GRADIENT,
} from "./convolutionFacts.js";
import type { Facts, Narrow, Row } from "./facts.js";
import {
  batchNorm,
  batchNormGradient,
  elementwise,
  rowsOfSize,
  type Shape,
  sizesIn,
  transposition,
} from "./shapes.js";

/** Channels of a vector: our kernels for bfloat16 take whole ones, in one group. */
const VECTOR = 16;
/** The type of results, and the one of images that they are made of. */
const [RESULTS, IMAGES] = ["T", "Tinput"];
const isEven = (images: Shape | undefined, filter: Shape | undefined): boolean => {
  const [inputs = 0, outputs = 0] = filter?.slice(2) ?? [];
  return images?.[3] === inputs && inputs % VECTOR === 0 && outputs % VECTOR === 0;
};
/** The images of a model's first convolution, which have few channels, stay in float32: what is made of them need not. */
const isFirst = (images: Shape | undefined, filter: Shape | undefined): boolean => {
  const [kernelSize, , inputs = 0, outputs = 0] = filter ?? [];
  return kernelSize === 3 && images?.[3] === inputs && inputs < VECTOR && outputs % VECTOR === 0;
};
const narrowTypes = (images: Shape | undefined, filter: Shape | undefined): string[] => {
  if (isEven(images, filter)) return [RESULTS, IMAGES];
  return isFirst(images, filter) ? [RESULTS] : [];
};
const ownConvolution: Facts = {
  ...convolutionFacts,
  narrow: { types: ([x, filter]) => narrowTypes(x, filter), reads: 1 },
};
const ownInputGradient: Facts = {
  shapes: sizesIn(0),
  narrow: { types: ([, filter], [dx]) => (isEven(dx, filter) ? [RESULTS] : []), reads: 1 },
};
const ownFilterGradient: Facts = {
  shapes: sizesIn(1),
  narrow: { types: ([x], [dfilter]) => narrowTypes(x, dfilter), reads: 1 },
};

/** Statistics come before what they normalise. */
const narrow: Narrow = { types: () => [RESULTS], reads: 2 };
const ownBatchNorm: Facts = { shapes: (inputs) => batchNorm(inputs)?.slice(0, 4), narrow };

const NORMALIZED = "x: T, scale: float, offset: float";
const STATISTICS = "y: T, mean: float, variance: float, inverse: float";
const OWN_FORWARD = "input: Tinput, filter: float";
const OWN_INPUT_GRADIENT = "input_sizes: int32, filter: float, out_backprop: T";
/** Ops of ours (src/native/ops). Those named after TensorFlow's take the same arguments, and what follows in the same op. */
export const OWN_ROWS: readonly Row[] = [
  ["PefdConv2D", `${OWN_FORWARD} -> output: T`, { ...ownConvolution, standard: "Conv2D" }],
  ["PefdConv2DBias PefdConv2DBiasRelu", `${OWN_FORWARD}, bias: float -> output: T`, ownConvolution],
  [
    "PefdConv2DBiasAdd PefdConv2DBiasAddRelu",
    `${OWN_FORWARD}, bias: float, image: T -> output: T`,
    ownConvolution,
  ],
  [
    "PefdConv2DBackpropInput",
    `${OWN_INPUT_GRADIENT} -> output: T`,
    { ...ownInputGradient, standard: "Conv2DBackpropInput" },
  ],
  [
    "PefdConv2DBackpropInputReluGrad",
    `${OWN_INPUT_GRADIENT}, features: T -> output: T`,
    ownInputGradient,
  ],
  ["PefdConv2DBackpropInputAdd", `${OWN_INPUT_GRADIENT}, image: T -> output: T`, ownInputGradient],
  [
    "PefdConv2DBackpropInputAddReluGrad",
    `${OWN_INPUT_GRADIENT}, image: T, features: T -> output: T`,
    ownInputGradient,
  ],
  [
    "PefdConv2DBackpropFilter",
    "input: Tinput, filter_sizes: int32, out_backprop: T -> output: float",
    { ...ownFilterGradient, standard: "Conv2DBackpropFilter" },
  ],
  [
    "PefdDepthwiseConv2dNative",
    `${FORWARD} -> output: T`,
    { ...depthwiseFacts, standard: "DepthwiseConv2dNative" },
  ],
  [
    "PefdDepthwiseConv2dNativeBackpropInput",
    `${INPUT_GRADIENT} -> output: T`,
    { shapes: sizesIn(0), standard: "DepthwiseConv2dNativeBackpropInput" },
  ],
  [
    "PefdDepthwiseConv2dNativeBackpropFilter",
    `${FILTER_GRADIENT} -> output: T`,
    { shapes: sizesIn(1), standard: "DepthwiseConv2dNativeBackpropFilter" },
  ],
  ["PefdBatchNorm PefdBatchNormRelu", `${NORMALIZED} -> ${STATISTICS}`, ownBatchNorm],
  [
    "PefdBatchNormAdd PefdBatchNormAddRelu",
    `${NORMALIZED}, image: T -> ${STATISTICS}`,
    ownBatchNorm,
  ],
  [
    "PefdBatchNormGrad",
    "y_backprop: T, x: T, scale: float, mean: float, inverse: float -> x_backprop: T, scale_backprop: float, offset_backprop: float",
    { shapes: (inputs) => batchNormGradient(inputs)?.slice(0, 3), narrow },
  ],
  ["PefdTranspose", "x: T, perm: Tperm -> y: T", { shapes: transposition, standard: "Transpose" }],
  [
    "PefdElementwise",
    "operands: N * T -> results: M * T",
    {
      shapes: elementwise,
      narrow: {
        types: (inputs) => (inputs.every((shape) => shape?.length !== 0) ? [RESULTS] : []),
        reads: 1,
        between: true,
      },
    },
  ],
  ["PefdNormalize", "words: int32, table: float -> values: float", { shapes: rowsOfSize }],
];
