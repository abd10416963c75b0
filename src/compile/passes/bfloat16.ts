import { DT } from "../../runtime/native.js";
import type { GraphNode } from "../graph/graph.js";

/** Ops that are computed in bfloat16, and which of their inputs are sizes instead of data. */
export type ReducedOps = Readonly<Record<string, number | undefined>>;

/** Ops whose arithmetic dominates everywhere. */
export const CONVOLUTIONS: ReducedOps = {
  Conv2D: undefined,
  Conv2DBackpropInput: 0,
  Conv2DBackpropFilter: 1,
  DepthwiseConv2dNative: undefined,
  DepthwiseConv2dNativeBackpropInput: 0,
  DepthwiseConv2dNativeBackpropFilter: 1,
};

/** Products of matrices: projectors and classifiers. */
export const PRODUCTS: ReducedOps = { MatMul: undefined, BatchMatMulV2: undefined };

/** A cast between float32 and bfloat16. */
const castNode = (name: string, input: string, from: number, to: number): GraphNode => ({
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

/**
 * Mixed precision as a pass over a recorded step: some ops take bfloat16 and return float32; weights, statistics,
 * losses and the optimizer stay float32.
 */
export function toBfloat16(nodes: readonly GraphNode[], ops: ReducedOps): GraphNode[] {
  const out: GraphNode[] = [];
  const { reduced } = createReductions((cast) => out.push(cast), "to_bfloat16");
  for (const node of nodes) {
    if (!(node.op in ops)) {
      out.push(node);
      continue;
    }
    const sizes = ops[node.op];
    const inputs = node.inputs.map((input, i) => (i === sizes ? input : reduced(input)));
    out.push(...inBfloat16(node, inputs));
  }
  return out;
}
