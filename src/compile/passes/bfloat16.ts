import type { Facts } from "../../ops/facts.js";
import { opNamed } from "../../ops/ops.js";
import { DT } from "../../runtime/native.js";
import type { GraphNode } from "../graph/graph.js";
import type { Pass } from "./pass.js";

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
