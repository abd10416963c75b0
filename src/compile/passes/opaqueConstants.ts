import { DT } from "../../runtime/native.js";
import { type GraphNode, isFloat, nodeOf, nodesByName } from "../graph/graph.js";
import type { Pass } from "./pass.js";

/** A value that the graph optimizer could know: a float constant, or a constant of another type turned into floats. */
function isKnown(node: GraphNode | undefined, byName: ReadonlyMap<string, GraphNode>): boolean {
  if (node?.op === "Const") return true;
  return node?.op === "Cast" && isKnown(byName.get(nodeOf(node.inputs[0] ?? "")), byName);
}

/** Whether a node's result is in float32. */
function isFloatResult(node: GraphNode): boolean {
  const { DstT } = node.attributes;
  return isFloat(node, "dtype") || (DstT !== undefined && "type" in DstT && DstT.type === DT.float);
}

/**
 * Hides the values of float constants from TensorFlow's graph optimizer. Knowing them, it turns x / 3 into
 * x * 0.333, (x * a) * b into x * (a * b) and pow(x, 2) into x * x: faster by nothing that shows, and other last bits
 * than the steps as they were written. What could be fed is never folded.
 */
export function withHiddenConstants(nodes: readonly GraphNode[]): GraphNode[] {
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

/** The same as a pass. */
export const hideConstants: Pass = (step) => ({
  ...step,
  nodes: withHiddenConstants(step.nodes),
});
