import { opNamed } from "../../ops/ops.js";
import type { Facts } from "../../ops/shapes.js";
import { DT } from "../../runtime/native.js";
import { dataOf, type GraphNode, isControl, nodeOf } from "../graph/graph.js";
import type { Pass, RecordedStep } from "../record/recordedStep.js";

/** Names of the nodes that depend on an updated variable. */
function trainableNodes({ nodes, reads, updates }: RecordedStep): Set<string> {
  const changed = new Set(updates.map(([variable]) => variable));
  const names = new Set(Array.from(reads).flatMap(([variable, read]) => (changed.has(variable) ? [read] : [])));
  for (const node of nodes) if (dataOf(node).some((ref) => names.has(nodeOf(ref)))) names.add(node.name);
  return names;
}

const isCastToFloat = (node: GraphNode | undefined): node is GraphNode => {
  const { SrcT } = node?.attributes ?? {};
  return node?.op === "Cast" && SrcT !== undefined && "type" in SrcT && SrcT.type === DT.bfloat16;
};

/** Keeps frozen models' activations in bfloat16, which XLA fuses with cuDNN's convolutions; after reduceProducts. */
export const frozenInBfloat16: Pass = (step) => {
  const isTrainable = trainableNodes(step);
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
      !isTrainable.has(node.name) &&
      !node.inputs.some(isControl) &&
      sources.every((ref) => ref !== undefined);
    if (!stays) add(node);
    else inBfloat16(node, [...sources, ...data.slice(activations).map(reduced)] as string[]).forEach(add);
  }
  return { ...step, nodes: out };
};

/** Kinds of ops that run in bfloat16; "product" is a matrix product, in projectors and classifiers. */
type Reduced = NonNullable<Facts["reduced"]>;

export const castNode = (name: string, input: string, from: number, to: number): GraphNode => ({
  name,
  op: "Cast",
  inputs: [input],
  attributes: { SrcT: { type: from }, DstT: { type: to }, Truncate: { bool: false } },
});

/** Casts of float32 tensors to bfloat16, one per tensor. */
export interface Reductions {
  /** The tensor in bfloat16; a new cast goes to `add`. */
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

/** A node in bfloat16, and its result cast to float32 under the node's name. */
function inBfloat16(node: GraphNode, inputs: readonly string[]): GraphNode[] {
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
    // Inputs of other types are lists of sizes.
    const isData = (place: number): boolean => op.signature.inputs[place]?.type === "T";
    const inputs = node.inputs.map((input, i) => (isData(i) ? reduced(input) : input));
    out.push(...inBfloat16(node, inputs));
  }
  return out;
}

/** Mixed precision: convolutions take bfloat16 and return float32; everything else stays float32. */
export const reduceConvolutions: Pass = (step) => ({ ...step, nodes: toBfloat16(step.nodes, ["convolution"]) });

/** The same for convolutions and matrix products. */
export const reduceProducts: Pass = (step) => ({ ...step, nodes: toBfloat16(step.nodes, ["convolution", "product"]) });
