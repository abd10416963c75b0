import { DT } from "../../../runtime/native.js";
import { type GraphNode, isControl, nodeOf, nodesByName, renamer } from "../../graph/graph.js";
import type { Pass } from "../pass.js";

const typeOf = (node: GraphNode, attribute: string): number | undefined => {
  const value = node.attributes[attribute];
  return value !== undefined && "type" in value ? value.type : undefined;
};

const isCast = (node: GraphNode | undefined, from: number, to: number): boolean =>
  node?.op === "Cast" && typeOf(node, "SrcT") === from && typeOf(node, "DstT") === to;

/**
 * Without casts to bfloat16 of what was cast from it: the tensor itself is taken, as between a convolution of TensorFlow's and
 * one of ours.
 */
export const dropCastPairs: Pass = (step) => {
  const byName = nodesByName(step.nodes);
  const moved = new Map<string, string>();
  const place = renamer(moved);
  const nodes = step.nodes.flatMap((node) => {
    const inputs = node.inputs.map(place);
    const [wide = ""] = node.inputs;
    const before = byName.get(nodeOf(wide));
    const isBack =
      isCast(node, DT.float, DT.bfloat16) &&
      isCast(before, DT.bfloat16, DT.float) &&
      ![...inputs, ...(before?.inputs ?? [])].some(isControl);
    if (!isBack) return [{ ...node, inputs }];
    moved.set(node.name, place(before?.inputs[0] ?? ""));
    return [];
  });
  const updates = step.updates.map(([variable, ref]) => [variable, place(ref)] as const);
  return { ...step, nodes, updates };
};
