import { TraceError } from "../record/traceError.js";
import type { GraphNode } from "./graph.js";

/**
 * Names of output arguments, which references inside of a function need. Facts of TensorFlow's op registry
 * (tensorflow/core/ops), grouped by the name that a single output has.
 */
const SINGLE: Readonly<Record<string, string>> = {
  output:
    "Bitcast Conv2D Conv2DBackpropInput Conv2DBackpropFilter DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput DepthwiseConv2dNativeBackpropFilter BatchMatMulV2 BatchMatMulV3 BiasAdd BiasAddGrad Identity Sum Mean Max Min Prod ArgMax ArgMin OneHot Reshape ExpandDims Squeeze Concat ConcatV2 Pack Slice StridedSlice Tile Fill Range GatherV2 Pad PadV2 Select SelectV2 MaxPool MaxPoolGrad AvgPool AvgPoolGrad Const BroadcastTo StopGradient ReverseV2",
  z: "AddV2 Add Sub Mul RealDiv Div FloorDiv FloorMod Maximum Minimum RsqrtGrad SquaredDifference Pow Greater GreaterEqual Less LessEqual Equal NotEqual LogicalAnd LogicalOr",
  y: "Neg Abs Exp Log Log1p Sqrt Rsqrt Square Sign Cast Transpose LogicalNot ZerosLike OnesLike Tanh Sigmoid Reciprocal Floor Round",
  activations: "Relu Relu6 LeakyRelu",
  backprops: "ReluGrad Relu6Grad",
  product: "MatMul",
  logsoftmax: "LogSoftmax",
  softmax: "Softmax",
  value: "ReadVariableOp",
  sum: "AddN",
};

const SEVERAL: Readonly<Record<string, readonly string[]>> = {
  FusedBatchNormV3: [
    "y",
    "batch_mean",
    "batch_variance",
    "reserve_space_1",
    "reserve_space_2",
    "reserve_space_3",
  ],
  FusedBatchNormGradV3: [
    "x_backprop",
    "scale_backprop",
    "offset_backprop",
    "reserve_space_4",
    "reserve_space_5",
  ],
  TopKV2: ["values", "indices"],
};

/** Ops with one output argument that is a list of tensors. */
const LISTS: ReadonlySet<string> = new Set(["Split", "SplitV", "Unpack"]);

const OUTPUTS: ReadonlyMap<string, readonly string[]> = new Map([
  ...Object.entries(SINGLE).flatMap(([output, ops]) =>
    ops.split(" ").map((op) => [op, [output]] as const),
  ),
  ...Object.entries(SEVERAL),
]);

/**
 * The reference to a node's output inside of a function: "node:output argument:index".
 * @throws TraceError naming the op and the line that called it, when its outputs are not known
 */
export function functionRef(node: GraphNode, index: number): string {
  if (LISTS.has(node.op)) return `${node.name}:output:${index}`;
  const output = OUTPUTS.get(node.op)?.[index];
  if (output !== undefined) return `${node.name}:${output}:0`;
  throw new TraceError(
    `the names of the outputs of ${node.op} are not known; add them to compile/graph/opOutputs.ts`,
    node.caller,
  );
}
