import { opNamed } from "../../ops/ops.js";
import type { Facts } from "../../ops/shapes.js";
import { DT } from "../../runtime/native.js";
import { dataOf, type GraphNode, isControl, nodeOf } from "../graph/graph.js";
import type { Pass, RecordedStep } from "../record/recordedStep.js";

/** Names of the nodes that depend on a variable which the step changes. */
function learning({ nodes, reads, updates }: RecordedStep): Set<string> {
  const changed = new Set(updates.map(([variable]) => variable));
  const names = new Set(Array.from(reads).flatMap(([variable, read]) => (changed.has(variable) ? [read] : [])));
  for (const node of nodes) {
    if (dataOf(node).some((ref) => names.has(nodeOf(ref)))) names.add(node.name);
  }
  return names;
}

/** Whether a node brings to float32 what was computed in bfloat16. */
const isCastToFloat = (node: GraphNode | undefined): node is GraphNode => {
  const { SrcT } = node?.attributes ?? {};
  return node?.op === "Cast" && SrcT !== undefined && "type" in SrcT && SrcT.type === DT.bfloat16;
};

/**
 * Keeps the activations of what is frozen in bfloat16 from convolution to convolution: bias, ReLU and residual sums
 * read and write half the bytes, and XLA joins them with cuDNN's convolutions. What learns keeps them in float32. To
 * follow the pass that puts convolutions in bfloat16.
 */
export const frozenInBfloat16: Pass = (step) => {
  const isLearning = learning(step);
  const out: GraphNode[] = [];
  const byName = new Map<string, GraphNode>();
  const add = (node: GraphNode): void => {
    out.push(node);
    byName.set(node.name, node);
  };
  const { reduced } = createReductions(add, "frozen_bfloat16");
  const source = (ref: string): string | undefined => {
    const node = byName.get(nodeOf(ref));
    return isCastToFloat(node) ? node.inputs[0] : undefined;
  };
  for (const node of step.nodes) {
    const activations = opNamed(node.op)?.activations;
    const data = dataOf(node);
    const sources = data.slice(0, activations ?? 0).map(source);
    const stays =
      activations !== undefined &&
      !isLearning.has(node.name) &&
      !node.inputs.some(isControl) &&
      sources.every((ref) => ref !== undefined);
    if (!stays) add(node);
    else inBfloat16(node, [...sources, ...data.slice(activations).map(reduced)] as string[]).forEach(add);
  }
  return { ...step, nodes: out };
};

/** Kinds of ops that are computed in bfloat16: products are those of matrices, in projectors and classifiers. */
type Reduced = NonNullable<Facts["reduced"]>;

/** A cast between float32 and bfloat16. */
export const castNode = (name: string, input: string, from: number, to: number): GraphNode => ({
  name,
  op: "Cast",
  inputs: [input],
  attributes: { SrcT: { type: from }, DstT: { type: to }, Truncate: { bool: false } },
});

/** Casts to bfloat16 of what a graph has in float32; a tensor used twice is cast once. */
export interface Reductions {
  /** The same tensor in bfloat16; a new cast, where there is none yet, goes to `add`. */
  reduced(ref: string): string;
}

export function createReductions(add: (node: GraphNode) => void, suffix: string): Reductions {
  const casts = new Map<string, string>();
  return {
    reduced(ref) {
      let name = casts.get(ref);
      if (name === undefined) {
        name = `${ref.replace(":", "_")}/${suffix}`;
        casts.set(ref, name);
        add(castNode(name, ref, DT.float, DT.bfloat16));
      }
      return name;
    },
  };
}

/** A node computed in bfloat16, and its result in float32 under the node's own name. */
export function inBfloat16(node: GraphNode, inputs: readonly string[]): GraphNode[] {
  const inner = `${node.name}/bfloat16`;
  const attributes = { ...node.attributes, T: { type: DT.bfloat16 } };
  return [
    { ...node, name: inner, inputs, attributes },
    { ...castNode(node.name, inner, DT.bfloat16, DT.float), shapes: node.shapes ?? [] },
  ];
}

function toBfloat16(nodes: readonly GraphNode[], kinds: readonly Reduced[]): GraphNode[] {
  const out: GraphNode[] = [];
  const { reduced } = createReductions((cast) => out.push(cast), "to_bfloat16");
  for (const node of nodes) {
    const op = opNamed(node.op);
    if (op?.reduced === undefined || !kinds.includes(op.reduced)) {
      out.push(node);
      continue;
    }
    // What is not of the op's own type is a list of sizes.
    const isData = (place: number): boolean => op.signature.inputs[place]?.type === "T";
    const inputs = node.inputs.map((input, i) => (isData(i) ? reduced(input) : input));
    out.push(...inBfloat16(node, inputs));
  }
  return out;
}

/**
 * Mixed precision: convolutions take bfloat16 and return float32; weights, statistics, losses and the optimizer stay
 * float32.
 */
export const reduceConvolutions: Pass = (step) => ({
  ...step,
  nodes: toBfloat16(step.nodes, ["convolution"]),
});

/** The same of convolutions and of products of matrices. */
export const reduceProducts: Pass = (step) => ({
  ...step,
  nodes: toBfloat16(step.nodes, ["convolution", "product"]),
});
