import { DT } from "../../runtime/native.js";
import {
  type GraphNode,
  isControl,
  isFloat,
  nodeOf,
  nodesByName,
  outputOf,
} from "../graph/graph.js";
import type { Pass } from "./pass.js";

/** An op that TensorFlow's graph optimizer joins with one of its inputs, and which ops that input must come from. */
interface Temptation {
  readonly op: string;
  readonly inputs: ReadonlySet<string>;
  /** For which nodes and shapes of the input the bits are others; for all where left out. */
  readonly where?: (shape: readonly number[], node: GraphNode) => boolean;
}

/** Whether a batch normalisation has given statistics. */
const isInference = ({ attributes: { is_training: training } }: GraphNode): boolean =>
  training !== undefined && "bool" in training && !training.bool;

/** Channels that all fill vectors of 16. */
const CHANNELS = 16;

/** What the optimizer would make of them, in other last bits than the ops as they were written. */
const TEMPTATIONS: readonly Temptation[] = [
  // x / sqrt(y) -> x * rsqrt(y)
  { op: "RealDiv", inputs: new Set(["Sqrt"]) },
  // log(softmax(x)) -> logSoftmax(x)
  { op: "Log", inputs: new Set(["Softmax"]) },
  // x * y + x * z -> x * (y + z)
  { op: "Add", inputs: new Set(["Mul"]) },
  { op: "AddV2", inputs: new Set(["Mul"]) },
  // (x * scalar) * y -> (scalar * y) * x
  { op: "Mul", inputs: new Set(["Mul"]) },
  // relu(batch normalisation) -> oneDNN's op for both, which rounds otherwise where channels end within a vector
  {
    ...{ op: "Relu", inputs: new Set(["FusedBatchNormV3"]) },
    where: (shape) => (shape.at(-1) as number) % CHANNELS !== 0,
  },
  // batch normalisation with given statistics behind a convolution -> oneDNN's op for both
  {
    ...{ op: "FusedBatchNormV3", inputs: new Set(["Conv2D"]) },
    where: (_shape, node) => isInference(node),
  },
  // depthwise convolution with a bias -> an op for both, at whose shapes the optimizer itself ends the process
  { op: "BiasAdd", inputs: new Set(["DepthwiseConv2dNative"]) },
];

/**
 * Keeps ops apart that TensorFlow's graph optimizer would join into others with other last bits, so that a loss written
 * in plain ops gives the same bits in a graph as op by op. Between them stands what could be fed from outside: nothing
 * is known of it, and it costs no arithmetic.
 */
export const keepApart: Pass = (step) => ({ ...step, nodes: withBarriers(step.nodes) });

function withBarriers(nodes: readonly GraphNode[]): GraphNode[] {
  const byName = nodesByName(nodes);
  const barriers = new Map<string, GraphNode>();
  const tempted = new Map(TEMPTATIONS.map((temptation) => [temptation.op, temptation]));
  const isTempting = ({ inputs, where }: Temptation, node: GraphNode, ref: string): boolean => {
    const source = isControl(ref) ? undefined : byName.get(nodeOf(ref));
    const shape = source?.shapes?.[outputOf(ref)];
    if (source === undefined || !inputs.has(source.op)) return false;
    return where === undefined || shape === undefined || where(shape, node);
  };
  const behindBarrier = (ref: string): string => {
    const source = byName.get(nodeOf(ref)) as GraphNode;
    const shape = source.shapes?.[outputOf(ref)];
    if (shape === undefined) return ref;
    const name = `${source.name}/apart`;
    barriers.set(source.name, {
      name,
      op: "PlaceholderWithDefault",
      inputs: [ref],
      attributes: { dtype: { type: DT.float }, shape: { shape } },
      shapes: [shape],
    });
    return name;
  };
  const changed = nodes.map((node) => {
    const temptation = tempted.get(node.op);
    if (temptation === undefined || !isFloat(node, "T")) return node;
    const inputs = node.inputs.map((ref) =>
      isTempting(temptation, node, ref) ? behindBarrier(ref) : ref,
    );
    return { ...node, inputs };
  });
  return changed.flatMap((node) => {
    const barrier = barriers.get(node.name);
    return barrier === undefined ? [node] : [node, barrier];
  });
}
