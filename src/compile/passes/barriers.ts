import { DT } from "../../runtime/native.js";
import {
  attributeReader,
  dataOf,
  floatConstant,
  type GraphNode,
  isControl,
  isFloat,
  nodeOf,
  nodesByName,
  outputOf,
} from "../graph/graph.js";
import type { Pass } from "../record/recordedStep.js";

/** tfjs has both. */
const SUMS: ReadonlySet<string> = new Set(["Add", "AddV2"]);

const isFloatSum = (node: GraphNode | undefined): boolean =>
  node !== undefined && SUMS.has(node.op) && isFloat(node, "T");

/** Sums of several tensors as additions in order: AddN's order depends on buffer reuse, and its last bits with it. */
export const expandSums: Pass = (step) => ({
  ...step,
  nodes: step.nodes.flatMap((node) =>
    node.op === "AddN" && isFloat(node, "T") && dataOf(node).length > 1 ? oneByOne(node) : [node],
  ),
});

function oneByOne(node: GraphNode): GraphNode[] {
  const [first = "", ...others] = dataOf(node);
  let sum = first;
  return others.map((ref, i) => {
    const name = i === others.length - 1 ? node.name : `${node.name}/sum_${i}`;
    const added = { ...node, name, op: "AddV2", inputs: [sum, ref], attributes: { T: { type: DT.float } } };
    sum = name;
    return added;
  });
}

/**
 * Keeps the reduction order: Grappler merges a tree of additions into one AddN, whose rounding varies from run to run.
 * Where an operand of an addition is another addition, x + y becomes x - y * -1: the same bits, and nothing to merge.
 */
export const keepReductionOrder: Pass = (step) => {
  const byName = nodesByName(step.nodes);
  const nodes = step.nodes.flatMap((node) => {
    if (!isFloatSum(node)) return [node];
    const data = dataOf(node);
    if (!data.some((input) => isFloatSum(byName.get(nodeOf(input))))) return [node];
    return asDifference(node, data as [string, string]);
  });
  return { ...step, nodes };
};

function asDifference(node: GraphNode, [x, y]: readonly [string, string]): GraphNode[] {
  const minusOne = floatConstant(`${node.name}/minus_one`, -1);
  const negated: GraphNode = {
    name: `${node.name}/negated`,
    op: "Mul",
    inputs: [y, minusOne.name],
    attributes: { T: { type: DT.float } },
  };
  return [minusOne, negated, { ...node, op: "Sub", inputs: [x, negated.name] }];
}

/** A foldable value: a float constant, or a constant of another type cast to float. */
function isKnown(node: GraphNode | undefined, byName: ReadonlyMap<string, GraphNode>): boolean {
  if (node?.op === "Const") return true;
  return node?.op === "Cast" && isKnown(byName.get(nodeOf(node.inputs[0] ?? "")), byName);
}

const isFloatResult = (node: GraphNode): boolean => isFloat(node, "dtype") || isFloat(node, "DstT");

/**
 * Hides float constants in placeholders, which are never folded: Grappler turns x / 3 into x * 0.333, (x * a) * b into
 * x * (a * b) and pow(x, 2) into x * x, with other rounding and no measurable gain.
 */
export function withOpaqueConstants(nodes: readonly GraphNode[]): GraphNode[] {
  const byName = nodesByName(nodes);
  return nodes.flatMap((node) => {
    if (!isFloatResult(node) || !isKnown(node, byName)) return [node];
    const value = node.attributes.value;
    const shape = value !== undefined && "tensor" in value ? value.tensor.shape : node.shapes?.[0];
    const constant = { ...node, name: `${node.name}/value` };
    const opaque: GraphNode = {
      name: node.name,
      op: "PlaceholderWithDefault",
      inputs: [constant.name],
      attributes: { dtype: { type: DT.float }, shape: { shape: shape ?? [] } },
    };
    return [constant, opaque];
  });
}

export const blockConstantFolding: Pass = (step) => ({ ...step, nodes: withOpaqueConstants(step.nodes) });

interface FusionPattern {
  readonly op: string;
  readonly inputs: ReadonlySet<string>;
  /** For which nodes and shapes of the input the rounding differs; for all by default. */
  readonly where?: (shape: readonly number[], node: GraphNode) => boolean;
}

const isInference = (node: GraphNode): boolean => attributeReader(node)("is_training") === false;

/** Lanes of an AVX-512 register. */
const LANES = 16;

/** Grappler's rewrites that change rounding. */
const FUSION_PATTERNS: readonly FusionPattern[] = [
  // x / sqrt(y) -> x * rsqrt(y)
  { op: "RealDiv", inputs: new Set(["Sqrt"]) },
  // log(softmax(x)) -> logSoftmax(x)
  { op: "Log", inputs: new Set(["Softmax"]) },
  // x * y + x * z -> x * (y + z)
  { op: "Add", inputs: new Set(["Mul"]) },
  { op: "AddV2", inputs: new Set(["Mul"]) },
  // (x * scalar) * y -> (scalar * y) * x
  { op: "Mul", inputs: new Set(["Mul"]) },
  // relu(batch normalisation) -> oneDNN's fused op, which rounds differently for partial vectors of channels
  { op: "Relu", inputs: new Set(["FusedBatchNormV3"]), where: (shape) => (shape.at(-1) as number) % LANES !== 0 },
  // batch normalisation in inference after a convolution -> oneDNN's fused op
  { op: "FusedBatchNormV3", inputs: new Set(["Conv2D"]), where: (_shape, node) => isInference(node) },
  // depthwise convolution with a bias -> a fused op whose shapes abort the optimizer
  { op: "BiasAdd", inputs: new Set(["DepthwiseConv2dNative"]) },
];

/**
 * Separates ops whose fusion by Grappler would change rounding by a placeholder with a default (opaque, no arithmetic),
 * so that a loss has the same bits in a graph as in eager mode.
 */
export const addFusionBarriers: Pass = (step) => ({ ...step, nodes: withBarriers(step.nodes) });

function withBarriers(nodes: readonly GraphNode[]): GraphNode[] {
  const byName = nodesByName(nodes);
  const barriers = new Map<string, GraphNode>();
  const patterns = new Map(FUSION_PATTERNS.map((pattern) => [pattern.op, pattern]));
  const matches = ({ inputs, where }: FusionPattern, node: GraphNode, ref: string): boolean => {
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
    const pattern = patterns.get(node.op);
    if (pattern === undefined || !isFloat(node, "T")) return node;
    const inputs = node.inputs.map((ref) => (matches(pattern, node, ref) ? behindBarrier(ref) : ref));
    return { ...node, inputs };
  });
  return changed.flatMap((node) => {
    const barrier = barriers.get(node.name);
    return barrier === undefined ? [node] : [node, barrier];
  });
}
