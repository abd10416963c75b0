import { sizeOf } from "../common/shapes.js";
import {
  type Bfloat16Support,
  batchNorm,
  batchNormGradient,
  bitcast,
  broadcasting,
  concatenation,
  convolution,
  declared,
  elementwise,
  equalParts,
  type Facts,
  gathering,
  lastAxis,
  like,
  padding,
  parts,
  pooling,
  product,
  type Row,
  reduction,
  reshaping,
  rowsOfSize,
  type Shape,
  type ShapeRule,
  sizesIn,
  slice,
  tiling,
  transposition,
} from "./shapes.js";
import { parseSignature, type Signature } from "./signature.js";

/** FMAs of a convolution: one per output and element of its filter. */
const convolutionWork = ([, filter = []]: readonly Shape[], output: Shape, channels: number) =>
  (sizeOf(output) * sizeOf(filter)) / channels;

const convolutionFacts: Facts = {
  shapes: convolution((filter) => filter[3] as number),
  multiplyAdds: (inputs, output) => convolutionWork(inputs, output, output[3] as number),
};

const depthwiseFacts: Facts = {
  ...convolutionFacts,
  shapes: convolution((filter) => (filter[2] as number) * (filter[3] as number)),
};

const FORWARD = "input: T, filter: T";
const INPUT_GRADIENT = "input_sizes: int32, filter: T, out_backprop: T";
const FILTER_GRADIENT = "input: T, filter_sizes: int32, out_backprop: T";

const fromStart = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const without = (shape: Shape, axes: readonly number[]): Shape => shape.filter((_, axis) => !axes.includes(axis));

const inserted = (shape: Shape, axis: number, size: number): Shape => shape.toSpliced(axis, 0, size);

/** ArgMax and ArgMin along the axis in the second input. */
const placeAlong: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [axis] = constant(1) ?? [];
  return axis === undefined ? undefined : [without(x, [fromStart(axis, x.length)])];
};

/** Top k along the last axis, k in the second input: values and indices. */
const largest: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [count] = constant(1) ?? [];
  if (count === undefined || x.length === 0) return undefined;
  const shape = x.with(-1, count);
  return [shape, shape];
};

/** A new axis of size 1, at the index in the second input. */
const expanded: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [axis] = constant(1) ?? [];
  return axis === undefined ? undefined : [inserted(x, fromStart(axis, x.length + 1), 1)];
};

/** Without axes of size 1: those of an attribute, or all. */
const squeezed: ShapeRule = ({ shapes: [x = []], attribute }) => {
  const named = (attribute("squeeze_dims") ?? []) as readonly number[];
  const axes = named.map((axis) => fromStart(axis, x.length));
  return [axes.length > 0 ? without(x, axes) : x.filter((size) => size !== 1)];
};

/** Concatenation along the axis in the first input. */
const concatenationFirst: ShapeRule = ({ shapes: [, ...parts], constant }) => {
  const [axis] = constant(0) ?? [];
  const first = parts[0];
  if (axis === undefined || first === undefined) return undefined;
  const total = parts.reduce((sum, part) => sum + (part.at(axis) as number), 0);
  return [first.with(axis, total)];
};

/** Stack along a new axis. */
const stacked: ShapeRule = ({ shapes, attribute }) => {
  const [first = []] = shapes;
  const axis = fromStart((attribute("axis") as number | undefined) ?? 0, first.length + 1);
  return [inserted(first, axis, shapes.length)];
};

/** Unstack along an axis. */
const unstacked: ShapeRule = ({ shapes: [x = []], attribute }) => {
  const axis = fromStart((attribute("axis") as number | undefined) ?? 0, x.length);
  const part = without(x, [axis]);
  return Array.from({ length: attribute("num") as number }, () => part);
};

/** Segment sums: segment ids in the second input, their number in the third. */
const segments: ShapeRule = ({ shapes: [x = [], places = []], constant }) => {
  const [count] = constant(2) ?? [];
  return count === undefined ? undefined : [[count, ...x.slice(places.length)]];
};

/** The range from the first input to below the second, in steps of the third. */
const counted: ShapeRule = ({ constant }) => {
  const [[start], [limit], [delta]] = [constant(0) ?? [], constant(1) ?? [], constant(2) ?? []];
  if (start === undefined || limit === undefined || delta === undefined) return undefined;
  return [[Math.max(0, Math.ceil((limit - start) / delta))]];
};

/** A new axis of the size in the second input. */
const oneHot: ShapeRule = ({ shapes: [indices = []], constant, attribute }) => {
  const [depth] = constant(1) ?? [];
  const axis = fromStart((attribute("axis") as number | undefined) ?? -1, indices.length + 1);
  return depth === undefined ? undefined : [inserted(indices, axis, depth)];
};

/** Lanes: our bfloat16 kernels need multiples of them as channels, and one group. */
const VECTOR = 16;
/** Type attributes of results and of input images. */
const [RESULTS, IMAGES] = ["T", "Tinput"];
const isEven = (images: Shape | undefined, filter: Shape | undefined): boolean => {
  const [inputs = 0, outputs = 0] = filter?.slice(2) ?? [];
  return images?.[3] === inputs && inputs % VECTOR === 0 && outputs % VECTOR === 0;
};
/** A model's first convolution has few channels: its input stays float32, its result may be bfloat16. */
const isFirst = (images: Shape | undefined, filter: Shape | undefined): boolean => {
  const [kernelSize, , inputs = 0, outputs = 0] = filter ?? [];
  return kernelSize === 3 && images?.[3] === inputs && inputs < VECTOR && outputs % VECTOR === 0;
};
const bfloat16Types = (images: Shape | undefined, filter: Shape | undefined): string[] => {
  if (isEven(images, filter)) return [RESULTS, IMAGES];
  return isFirst(images, filter) ? [RESULTS] : [];
};
const ownConvolution: Facts = {
  ...convolutionFacts,
  bfloat16: { types: ([x, filter]) => bfloat16Types(x, filter), reads: 1 },
};
const ownInputGradient: Facts = {
  shapes: sizesIn(0),
  bfloat16: { types: ([, filter], [dx]) => (isEven(dx, filter) ? [RESULTS] : []), reads: 1 },
};
const ownFilterGradient: Facts = {
  shapes: sizesIn(1),
  bfloat16: { types: ([x], [dfilter]) => bfloat16Types(x, dfilter), reads: 1 },
};

/** Two reads: statistics, then normalisation. */
const bfloat16: Bfloat16Support = { types: () => [RESULTS], reads: 2 };
const ownBatchNorm: Facts = { shapes: (inputs) => batchNorm(inputs)?.slice(0, 4), bfloat16 };

const NORMALIZED = "x: T, scale: float, offset: float";
const STATISTICS = "y: T, mean: float, variance: float, inverse: float";
const OWN_FORWARD = "input: Tinput, filter: float";
const OWN_INPUT_GRADIENT = "input_sizes: int32, filter: float, out_backprop: T";
/** Our ops (src/native/ops): the arguments of TensorFlow's, and those of fused epilogues. */
const OWN_ROWS: readonly Row[] = [
  ["PefdConv2D", `${OWN_FORWARD} -> output: T`, { ...ownConvolution, standard: "Conv2D" }],
  ["PefdConv2DBias PefdConv2DBiasRelu", `${OWN_FORWARD}, bias: float -> output: T`, ownConvolution],
  ["PefdConv2DBiasAdd PefdConv2DBiasAddRelu", `${OWN_FORWARD}, bias: float, image: T -> output: T`, ownConvolution],
  [
    "PefdConv2DBackpropInput",
    `${OWN_INPUT_GRADIENT} -> output: T`,
    { ...ownInputGradient, standard: "Conv2DBackpropInput" },
  ],
  ["PefdConv2DBackpropInputReluGrad", `${OWN_INPUT_GRADIENT}, features: T -> output: T`, ownInputGradient],
  ["PefdConv2DBackpropInputAdd", `${OWN_INPUT_GRADIENT}, image: T -> output: T`, ownInputGradient],
  ["PefdConv2DBackpropInputAddReluGrad", `${OWN_INPUT_GRADIENT}, image: T, features: T -> output: T`, ownInputGradient],
  [
    "PefdConv2DBackpropFilter",
    "input: Tinput, filter_sizes: int32, out_backprop: T -> output: float",
    { ...ownFilterGradient, standard: "Conv2DBackpropFilter" },
  ],
  ["PefdDepthwiseConv2dNative", `${FORWARD} -> output: T`, { ...depthwiseFacts, standard: "DepthwiseConv2dNative" }],
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
  ["PefdBatchNormAdd PefdBatchNormAddRelu", `${NORMALIZED}, image: T -> ${STATISTICS}`, ownBatchNorm],
  [
    "PefdBatchNormGrad",
    "y_backprop: T, x: T, scale: float, mean: float, inverse: float -> x_backprop: T, scale_backprop: float, offset_backprop: float",
    { shapes: (inputs) => batchNormGradient(inputs)?.slice(0, 3), bfloat16 },
  ],
  ["PefdTranspose", "x: T, perm: Tperm -> y: T", { shapes: transposition, standard: "Transpose" }],
  [
    "PefdElementwise",
    "operands: N * T -> results: M * T",
    {
      shapes: elementwise,
      bfloat16: {
        types: (inputs) => (inputs.every((shape) => shape?.length !== 0) ? [RESULTS] : []),
        reads: 1,
        interiorOnly: true,
      },
    },
  ],
  ["PefdNormalize", "words: int32, table: float -> values: float", { shapes: rowsOfSize }],
];

const same = { shapes: like(0) };
const broadcast = { shapes: broadcasting };
const reduced = "convolution";

const dense: Facts = { ...convolutionFacts, reduced };
const depthwise: Facts = { ...depthwiseFacts, reduced };

/** TensorFlow's ops. Other ops can be traced, too, but have to run for their shapes. */
const TENSORFLOW_ROWS: readonly Row[] = [
  ["Conv2D", `${FORWARD} -> output: T`, dense],
  ["Conv2DBackpropInput", `${INPUT_GRADIENT} -> output: T`, { shapes: sizesIn(0), reduced }],
  ["Conv2DBackpropFilter", `${FILTER_GRADIENT} -> output: T`, { shapes: sizesIn(1), reduced }],
  ["DepthwiseConv2dNative", `${FORWARD} -> output: T`, depthwise],
  ["DepthwiseConv2dNativeBackpropInput", `${INPUT_GRADIENT} -> output: T`, { shapes: sizesIn(0), reduced }],
  ["DepthwiseConv2dNativeBackpropFilter", `${FILTER_GRADIENT} -> output: T`, { shapes: sizesIn(1), reduced }],
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
    {
      shapes: product("adj_x", "adj_y"),
      // Both have the same batch: the inner size is what is left of the first one's.
      multiplyAdds: ([x = []], output) => (sizeOf(x) / sizeOf(output.slice(0, -1))) * sizeOf(output),
      reduced: "product",
    },
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
  ["LeakyRelu Softplus", "features: T -> activations: T", same],
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
  ["IsNan IsFinite", "x: T -> y: bool", same],
  [
    "Abs Cos Erf Exp Log Log1p Sqrt Rsqrt Square Sign ZerosLike OnesLike Tanh Sigmoid Reciprocal Floor Round",
    "x: T -> y: T",
    same,
  ],
  ["AddN", "inputs: N * T -> sum: T", same],
  ["Select", "condition: bool, t: T, e: T -> output: T", { shapes: like(1) }],
  ["SelectV2", "condition: bool, t: T, e: T -> output: T", broadcast],

  ["Sum Mean Max Min Prod", "input: T, reduction_indices: Tidx -> output: T", { shapes: reduction }],
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
  ["SplitV", "value: T, size_splits: Tlen, split_dim: int32 -> output: num_split * T", { shapes: parts }],
  ["Unpack", "value: T -> output: num * T", { shapes: unstacked }],
  ["Slice", "input: T, begin: Index, size: Index -> output: T", { shapes: slice }],
  ["StridedSlice", "input: T, begin: Index, end: Index, strides: Index -> output: T"],
  ["GatherV2", "params: Tparams, indices: Tindices, axis: Taxis -> output: Tparams", { shapes: gathering }],
  ["TensorScatterUpdate", "tensor: T, indices: Tindices, updates: T -> output: T", { shapes: like(0) }],
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
  ["OneHot", "indices: TI, depth: int32, on_value: T, off_value: T -> output: T", { shapes: oneHot }],
  ["Placeholder", "-> output: dtype", { shapes: declared("shape") }],
  ["PlaceholderWithDefault", "input: dtype -> output: dtype", { shapes: declared("shape") }],
  ["ReadVariableOp", "resource: resource -> value: dtype"],
  ["ResourceGather", "resource: resource, indices: Tindices -> output: dtype"],
];

const ROWS: readonly Row[] = [...TENSORFLOW_ROWS, ...OWN_ROWS];

export interface Op extends Facts {
  readonly name: string;
  readonly signature: Signature;
}

const OPS: ReadonlyMap<string, Op> = new Map(
  ROWS.flatMap(([names, signature, facts]) =>
    names.split(" ").map((name) => [name, { name, signature: parseSignature(signature), ...facts }] as const),
  ),
);

export const opNamed = (name: string): Op | undefined => OPS.get(name);

export const allOps = (): Op[] => [...OPS.values()];

/** TensorFlow's op for one of ours; other ops as they are. */
export const standardOp = (name: string): string => opNamed(name)?.standard ?? name;

const OWN: ReadonlyMap<string, string> = new Map(
  allOps().flatMap((op) => (op.standard === undefined ? [] : [[op.standard, op.name] as const])),
);

/** Our op in place of one of TensorFlow's. @throws Error where there is none */
export function ownOp(standard: string): string {
  const own = OWN.get(standard);
  if (own === undefined) throw new Error(`There is no op of ours for ${standard}.`);
  return own;
}
