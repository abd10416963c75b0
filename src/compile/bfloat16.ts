import { DT } from "../runtime/native.js";
import type { GraphNode } from "./graph.js";

/** Ops whose arithmetic dominates, and which of their inputs are sizes instead of data. */
const REDUCED: Readonly<Record<string, number | undefined>> = {
  Conv2D: undefined,
  Conv2DBackpropInput: 0,
  Conv2DBackpropFilter: 1,
  DepthwiseConv2dNative: undefined,
  DepthwiseConv2dNativeBackpropInput: 0,
  DepthwiseConv2dNativeBackpropFilter: 1,
  MatMul: undefined,
};

const castNode = (name: string, input: string, from: number, to: number): GraphNode => ({
  name,
  op: "Cast",
  inputs: [input],
  attributes: { SrcT: { type: from }, DstT: { type: to }, Truncate: { bool: false } },
});

/**
 * Mixed precision as a pass over a recorded step: convolutions and matrix products take bfloat16 and return
 * float32; weights, statistics, losses and the optimizer stay float32. A tensor used twice is cast once.
 * @param prefix of the names of new nodes
 */
export function toBfloat16(nodes: readonly GraphNode[], prefix: string): GraphNode[] {
  const casts = new Map<string, string>();
  const out: GraphNode[] = [];
  const reduced = (input: string): string => {
    let name = casts.get(input);
    if (name === undefined) {
      name = `${prefix}/bfloat16_${casts.size}`;
      casts.set(input, name);
      out.push(castNode(name, input, DT.float, DT.bfloat16));
    }
    return name;
  };
  for (const node of nodes) {
    if (!(node.op in REDUCED)) {
      out.push(node);
      continue;
    }
    const sizes = REDUCED[node.op];
    const inputs = node.inputs.map((input, i) => (i === sizes ? input : reduced(input)));
    const inner = `${node.name}/bfloat16`;
    const attributes = { ...node.attributes, T: { type: DT.bfloat16 } };
    out.push({ ...node, name: inner, inputs, attributes });
    out.push(castNode(node.name, inner, DT.bfloat16, DT.float));
  }
  return out;
}
