import { sizeOf } from "../common/shapes.js";
import {
  convolutionFacts,
  depthwiseFacts,
  FILTER_GRADIENT,
  FORWARD,
  INPUT_GRADIENT,
} from "./convolutionFacts.js";
import type { Facts, Row } from "./facts.js";
import {
  concatenationFirst,
  counted,
  expanded,
  largest,
  oneHot,
  placeAlong,
  segments,
  squeezed,
  stacked,
  unstacked,
} from "./listShapes.js";
import { OWN_ROWS } from "./ownRows.js";
import {
  batchNorm,
  batchNormGradient,
  bitcast,
  broadcasting,
  concatenation,
  declared,
  equalParts,
  gathering,
  lastAxis,
  like,
  padding,
  parts,
  pooling,
  product,
  reduction,
  reshaping,
  sizesIn,
  slice,
  tiling,
  transposition,
} from "./shapes.js";

const same = { shapes: like(0) };
const broadcast = { shapes: broadcasting };
const reduced = "convolution";

const dense: Facts = { ...convolutionFacts, reduced };
const depthwise: Facts = { ...depthwiseFacts, reduced };

/** TensorFlow's ops, as far as anything has met them. What the table does not hold is recorded, too, but by running it. */
const THEIRS: readonly Row[] = [
  ["Conv2D", `${FORWARD} -> output: T`, dense],
  ["Conv2DBackpropInput", `${INPUT_GRADIENT} -> output: T`, { shapes: sizesIn(0), reduced }],
  ["Conv2DBackpropFilter", `${FILTER_GRADIENT} -> output: T`, { shapes: sizesIn(1), reduced }],
  ["DepthwiseConv2dNative", `${FORWARD} -> output: T`, depthwise],
  [
    "DepthwiseConv2dNativeBackpropInput",
    `${INPUT_GRADIENT} -> output: T`,
    { shapes: sizesIn(0), reduced },
  ],
  [
    "DepthwiseConv2dNativeBackpropFilter",
    `${FILTER_GRADIENT} -> output: T`,
    { shapes: sizesIn(1), reduced },
  ],
  [
    "FusedBatchNormV3",
    "x: T, scale: U, offset: U, mean: U, variance: U -> y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U",
    { shapes: batchNorm },
  ],
  [
    "FusedBatchNormGradV3",
    "y_backprop: T, x: T, scale: float, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U -> x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_4: U, reserve_space_5: U",
    { shapes: batchNormGradient },
  ],
  [
    "MatMul",
    "a: T, b: T -> product: T",
    {
      shapes: product("transpose_a", "transpose_b"),
      multiplyAdds: ([a = []], output) => (sizeOf(a) / (output[0] as number)) * sizeOf(output),
      reduced: "product",
    },
  ],
  [
    "BatchMatMulV2",
    "x: T, y: T -> output: T",
    { shapes: product("adj_x", "adj_y"), reduced: "product" },
  ],
  ["BatchMatMulV3", "x: Ta, y: Tb -> output: Tout", { shapes: product("adj_x", "adj_y") }],
  ["BiasAdd", "value: T, bias: T -> output: T", { ...same, activations: 1 }],
  ["BiasAddGrad", "out_backprop: T -> output: T", { shapes: lastAxis }],
  ["MaxPool", "input: T -> output: T", { shapes: pooling }],
  ["MaxPoolGrad", "orig_input: T, orig_output: T, grad: T -> output: T", same],
  ["AvgPool", "value: T -> output: T", { shapes: pooling }],
  ["AvgPoolGrad", "orig_input_shape: int32, grad: T -> output: T", { shapes: sizesIn(0) }],

  ["Relu", "features: T -> activations: T", { ...same, activations: 1, opcode: 3 }],
  ["Relu6", "features: T -> activations: T", { ...same, activations: 1 }],
  ["LeakyRelu", "features: T -> activations: T", same],
  ["ReluGrad", "gradients: T, features: T -> backprops: T", { ...same, opcode: 4 }],
  ["Relu6Grad", "gradients: T, features: T -> backprops: T", same],
  ["Softmax", "logits: T -> softmax: T", same],
  ["LogSoftmax", "logits: T -> logsoftmax: T", same],

  ["Add AddV2", "x: T, y: T -> z: T", { ...broadcast, activations: 2, exact: true, opcode: 0 }],
  ["Sub", "x: T, y: T -> z: T", { ...broadcast, exact: true, opcode: 1 }],
  ["Mul", "x: T, y: T -> z: T", { ...broadcast, exact: true, opcode: 2 }],
  ["RealDiv", "x: T, y: T -> z: T", { ...broadcast, exact: true }],
  ["Neg", "x: T -> y: T", { ...same, exact: true }],
  ["Div FloorDiv FloorMod Maximum Minimum SquaredDifference Pow", "x: T, y: T -> z: T", broadcast],
  ["RsqrtGrad", "y: T, dy: T -> z: T", same],
  ["Greater GreaterEqual Less LessEqual Equal NotEqual", "x: T, y: T -> z: bool", broadcast],
  ["LogicalAnd LogicalOr", "x: bool, y: bool -> z: bool", broadcast],
  ["LogicalNot", "x: bool -> y: bool", same],
  ["IsNan", "x: T -> y: bool", same],
  [
    "Abs Cos Erf Exp Log Log1p Sqrt Rsqrt Square Sign ZerosLike OnesLike Tanh Sigmoid Reciprocal Floor Round",
    "x: T -> y: T",
    same,
  ],
  ["AddN", "inputs: N * T -> sum: T", same],
  ["Select", "condition: bool, t: T, e: T -> output: T", { shapes: like(1) }],
  ["SelectV2", "condition: bool, t: T, e: T -> output: T", broadcast],

  [
    "Sum Mean Max Min Prod",
    "input: T, reduction_indices: Tidx -> output: T",
    { shapes: reduction },
  ],
  ["ArgMax ArgMin", "input: T, dimension: Tidx -> output: output_type", { shapes: placeAlong }],
  ["TopKV2", "input: T, k: Tk -> values: T, indices: index_type", { shapes: largest }],

  ["Cast", "x: SrcT -> y: DstT", { ...same, rearranges: true }],
  ["Identity", "input: T -> output: T", { ...same, rearranges: true }],
  ["Reshape", "tensor: T, shape: Tshape -> output: T", { shapes: reshaping, rearranges: true }],
  ["Transpose", "x: T, perm: Tperm -> y: T", { shapes: transposition, rearranges: true }],
  ["StopGradient", "input: T -> output: T", same],
  ["Bitcast", "input: T -> output: type", { shapes: bitcast }],
  ["ExpandDims", "input: T, dim: Tdim -> output: T", { shapes: expanded }],
  ["Squeeze", "input: T -> output: T", { shapes: squeezed }],
  ["ReverseV2", "tensor: T, axis: Tidx -> output: T", same],

  ["Concat", "concat_dim: int32, values: N * T -> output: T", { shapes: concatenationFirst }],
  ["ConcatV2", "values: N * T, axis: Tidx -> output: T", { shapes: concatenation }],
  ["Pack", "values: N * T -> output: T", { shapes: stacked }],
  ["Split", "split_dim: int32, value: T -> output: num_split * T", { shapes: equalParts }],
  [
    "SplitV",
    "value: T, size_splits: Tlen, split_dim: int32 -> output: num_split * T",
    { shapes: parts },
  ],
  ["Unpack", "value: T -> output: num * T", { shapes: unstacked }],
  ["Slice", "input: T, begin: Index, size: Index -> output: T", { shapes: slice }],
  ["StridedSlice", "input: T, begin: Index, end: Index, strides: Index -> output: T"],
  [
    "GatherV2",
    "params: Tparams, indices: Tindices, axis: Taxis -> output: Tparams",
    { shapes: gathering },
  ],
  [
    "TensorScatterUpdate",
    "tensor: T, indices: Tindices, updates: T -> output: T",
    { shapes: like(0) },
  ],
  [
    "UnsortedSegmentSum",
    "data: T, segment_ids: Tindices, num_segments: Tnumsegments -> output: T",
    { shapes: segments },
  ],
  ["Tile", "input: T, multiples: Tmultiples -> output: T", { shapes: tiling }],
  ["BroadcastTo", "input: T, shape: Tidx -> output: T", { shapes: sizesIn(1) }],
  ["Pad", "input: T, paddings: Tpaddings -> output: T", { shapes: padding }],
  ["PadV2", "input: T, paddings: Tpaddings, constant_values: T -> output: T", { shapes: padding }],

  ["Const", "-> output: dtype", { shapes: declared("value") }],
  ["Fill", "dims: index_type, value: T -> output: T", { shapes: sizesIn(0) }],
  ["Range", "start: Tidx, limit: Tidx, delta: Tidx -> output: Tidx", { shapes: counted }],
  [
    "OneHot",
    "indices: TI, depth: int32, on_value: T, off_value: T -> output: T",
    { shapes: oneHot },
  ],
  ["Placeholder", "-> output: dtype", { shapes: declared("shape") }],
  ["PlaceholderWithDefault", "input: dtype -> output: dtype", { shapes: declared("shape") }],
  ["ReadVariableOp", "resource: resource -> value: dtype"],
  ["ResourceGather", "resource: resource, indices: Tindices -> output: dtype"],
];

/** All rows: TensorFlow's, and ours. */
export const ROWS: readonly Row[] = [...THEIRS, ...OWN_ROWS];
