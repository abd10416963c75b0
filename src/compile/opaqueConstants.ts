import { DT } from "../runtime/native.js";
import { type GraphNode, isFloat } from "./graph.js";

const isFloatConstant = (node: GraphNode): boolean => node.op === "Const" && isFloat(node, "dtype");

/**
 * Hides the values of float constants from TensorFlow's graph optimizer. Knowing them, it turns x / 3 into
 * x * 0.333 and (x * a) * b into x * (a * b): faster by nothing that shows, and other last bits than the steps as
 * they were written. What could be fed is never folded.
 */
export function hideConstants(nodes: readonly GraphNode[]): GraphNode[] {
  return nodes.flatMap((node) => {
    if (!isFloatConstant(node)) return [node];
    const value = node.attributes.value;
    const shape = value !== undefined && "tensor" in value ? value.tensor.shape : [];
    const constant = { ...node, name: `${node.name}/value` };
    const opaque: GraphNode = {
      name: node.name,
      op: "PlaceholderWithDefault",
      inputs: [constant.name],
      attributes: { dtype: { type: DT.float }, shape: { shape } },
    };
    return [constant, opaque];
  });
}
