import { DT } from "../../runtime/native.js";
import {
  dataOf,
  floatConstant,
  type GraphNode,
  isFloat,
  nodeOf,
  nodesByName,
} from "../graph/graph.js";
import type { Pass } from "./pass.js";

/** Sums of two tensors; tfjs has both. */
const SUMS: ReadonlySet<string> = new Set(["Add", "AddV2"]);

const isFloatSum = (node: GraphNode | undefined): boolean =>
  node !== undefined && SUMS.has(node.op) && isFloat(node, "T");

/**
 * Keeps sums in the order in which they were written. TensorFlow's graph optimizer merges a tree of additions into one
 * AddN, which sums in whatever order lets it reuse a buffer, so that the last bits vary from run to run. Where an
 * addition takes the result of another addition, x + y becomes x - y * -1: the same bits, and nothing to merge.
 */
export const keepSumsOrdered: Pass = (step) => {
  const byName = nodesByName(step.nodes);
  const nodes = step.nodes.flatMap((node) => {
    if (node.op === "AddN" && isFloat(node, "T")) return oneByOne(node);
    if (!isFloatSum(node)) return [node];
    const data = dataOf(node);
    if (!data.some((input) => isFloatSum(byName.get(nodeOf(input))))) return [node];
    return asDifference(node, data as [string, string]);
  });
  return { ...step, nodes };
};

/** A sum of several tensors as TensorFlow computes it op by op: from the first to the last. */
function oneByOne(node: GraphNode): GraphNode[] {
  const [first = "", ...others] = dataOf(node);
  let sum = first;
  return others.flatMap((ref, i) => {
    const isLast = i === others.length - 1;
    const name = isLast ? node.name : `${node.name}/sum_${i}`;
    const nodes = asDifference({ ...node, name, attributes: { T: { type: DT.float } } }, [
      sum,
      ref,
    ]);
    sum = name;
    return nodes;
  });
}

function asDifference(node: GraphNode, [x, y]: readonly [string, string]): GraphNode[] {
  const minusOne = floatConstant(`${node.name}/minus_one`, -1);
  const negated: GraphNode = {
    name: `${node.name}/negated`,
    op: "Mul",
    inputs: [y, minusOne.name],
    attributes: { T: { type: DT.float } },
  };
  return [minusOne, negated, { ...node, op: "Sub", inputs: [x, negated.name] }];
}
