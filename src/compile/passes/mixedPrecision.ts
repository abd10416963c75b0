import { opNamed } from "../../ops/ops.js";
import type { Facts } from "../../ops/shapes.js";
import { DT } from "../../runtime/native.js";
import { attributeReader, dataOf, type GraphNode, isControl, nodeOf } from "../graph/graph.js";
import type { Pass, RecordedStep } from "../record/recordedStep.js";
import type { PrecisionName } from "../types.js";

/** Names of the nodes that depend on an updated variable. */
function trainableNodes({ nodes, reads, updates }: RecordedStep): Set<string> {
  const changed = new Set(updates.map(([variable]) => variable));
  const names = new Set(Array.from(reads).flatMap(([variable, read]) => (changed.has(variable) ? [read] : [])));
  for (const node of nodes) if (dataOf(node).some((ref) => names.has(nodeOf(ref)))) names.add(node.name);
  return names;
}

/** Types of 16 bits that products are computed in. */
type ReducedName = Exclude<PrecisionName, "float32">;

const TYPES: Readonly<Record<ReducedName, number>> = { bfloat16: DT.bfloat16, float16: DT.half };

const isCastToFloat = (node: GraphNode | undefined, from: ReducedName): node is GraphNode =>
  node?.op === "Cast" && attributeReader(node)("SrcT") === TYPES[from];

/**
 * Keeps activations of frozen models in 16 bits between convolutions: half the memory traffic, and XLA fuses bias,
 * ReLU and sums with cuDNN's convolutions. Runs after the products are reduced.
 */
function frozenReduced(step: RecordedStep, type: ReducedName): RecordedStep {
  const isTrainable = trainableNodes(step);
  const out: GraphNode[] = [];
  const byName = new Map<string, GraphNode>();
  const add = (node: GraphNode): void => {
    out.push(node);
    byName.set(node.name, node);
  };
  const reduced = createReductions(add, type, `frozen_${type}`);
  const source = (ref: string): string | undefined => {
    const node = byName.get(nodeOf(ref));
    return isCastToFloat(node, type) ? node.inputs[0] : undefined;
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
    else inReduced(node, type, [...sources, ...data.slice(activations).map(reduced)] as string[]).forEach(add);
  }
  return { ...step, nodes: out };
}

/** Frozen models in bfloat16. */
export const frozenInBfloat16: Pass = (step) => frozenReduced(step, "bfloat16");

/** Frozen models in float16. */
export const frozenInFloat16: Pass = (step) => frozenReduced(step, "float16");

/** Kinds of ops that run in 16 bits; "product" is a matrix product, in projectors and classifiers. */
type Reduced = NonNullable<Facts["reduced"]>;

export const castNode = (name: string, input: string, from: number, to: number): GraphNode => ({
  name,
  op: "Cast",
  inputs: [input],
  attributes: { SrcT: { type: from }, DstT: { type: to }, Truncate: { bool: false } },
});

/** Casts float32 tensors to 16 bits, each once. @returns the tensor in 16 bits; a new cast goes to `add` */
export function createReductions(
  add: (node: GraphNode) => void,
  type: ReducedName,
  suffix: string,
): (ref: string) => string {
  const casts = new Map<string, string>();
  return (ref) => {
    let name = casts.get(ref);
    if (name === undefined) {
      name = `${ref.replace(":", "_")}/${suffix}`;
      casts.set(ref, name);
      add(castNode(name, ref, DT.float, TYPES[type]));
    }
    return name;
  };
}

/** A node in 16 bits, and its result cast to float32 under the node's name. */
function inReduced(node: GraphNode, type: ReducedName, inputs: readonly string[]): GraphNode[] {
  const inner = `${node.name}/${type}`;
  const attributes = { ...node.attributes, T: { type: TYPES[type] } };
  return [
    { ...node, name: inner, inputs, attributes },
    { ...castNode(node.name, inner, TYPES[type], DT.float), shapes: node.shapes ?? [] },
  ];
}

/** Mixed precision: ops of these kinds take 16 bits and return float32; everything else stays float32. */
function reducing(step: RecordedStep, type: ReducedName, kinds: readonly Reduced[]): RecordedStep {
  const out: GraphNode[] = [];
  const reduced = createReductions((cast) => out.push(cast), type, `to_${type}`);
  for (const node of step.nodes) {
    const op = opNamed(node.op);
    if (op?.reduced === undefined || !kinds.includes(op.reduced)) {
      out.push(node);
      continue;
    }
    // Inputs of other types are lists of sizes.
    const isData = (place: number): boolean => op.signature.inputs[place]?.type === "T";
    const inputs = node.inputs.map((input, i) => (isData(i) ? reduced(input) : input));
    out.push(...inReduced(node, type, inputs));
  }
  return { ...step, nodes: out };
}

/** Convolutions in bfloat16. */
export const reduceConvolutions: Pass = (step) => reducing(step, "bfloat16", ["convolution"]);

/** Convolutions and matrix products in bfloat16. */
export const reduceProducts: Pass = (step) => reducing(step, "bfloat16", ["convolution", "product"]);

/** The same in float16; their gradients need loss scaling (learn/lossScale.ts). */
export const productsInFloat16: Pass = (step) => reducing(step, "float16", ["convolution", "product"]);
