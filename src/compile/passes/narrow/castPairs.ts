import { DT } from "../../../runtime/native.js";
import { attributeReader, type GraphNode, isControl, nodeOf } from "../../graph/graph.js";
import type { Pass } from "../pass.js";
import { withStandIns } from "./standIns.js";

function isCast(node: GraphNode, from: number, to: number): boolean {
  const read = attributeReader(node);
  return node.op === "Cast" && read("SrcT") === from && read("DstT") === to;
}

/**
 * Without casts to bfloat16 of what was cast from it: the tensor itself is taken, as between a convolution of TensorFlow's and
 * one of ours.
 */
export const dropCastPairs: Pass = (step) =>
  withStandIns(step, (node, byName) => {
    const before = byName.get(nodeOf(node.inputs[0] ?? ""));
    const isBack =
      before !== undefined &&
      isCast(node, DT.float, DT.bfloat16) &&
      isCast(before, DT.bfloat16, DT.float);
    return isBack && !before.inputs.some(isControl) ? before.inputs[0] : undefined;
  });
