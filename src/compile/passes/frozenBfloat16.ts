import { opNamed } from "../../ops/ops.js";
import { DT } from "../../runtime/native.js";
import { dataOf, type GraphNode, isControl, nodeOf } from "../graph/graph.js";
import type { RecordedStep } from "../record/recordedStep.js";
import { createReductions, inBfloat16 } from "./bfloat16.js";
import type { Pass } from "./pass.js";

/** Names of the nodes that depend on a variable which the step changes. */
function learning({ nodes, reads, updates }: RecordedStep): Set<string> {
  const changed = new Set(updates.map(([variable]) => variable));
  const names = new Set(
    Array.from(reads).flatMap(([variable, read]) => (changed.has(variable) ? [read] : [])),
  );
  for (const node of nodes) {
    if (dataOf(node).some((ref) => names.has(nodeOf(ref)))) names.add(node.name);
  }
  return names;
}

/** Whether a node brings to float32 what was computed in bfloat16. */
const isWidened = (node: GraphNode | undefined): node is GraphNode => {
  const { SrcT } = node?.attributes ?? {};
  return node?.op === "Cast" && SrcT !== undefined && "type" in SrcT && SrcT.type === DT.bfloat16;
};

/**
 * Keeps the activations of what is frozen in bfloat16 from convolution to convolution: bias, ReLU and residual sums
 * read and write half the bytes, and XLA joins them with cuDNN's convolutions. What learns keeps them in float32. To
 * follow the pass that puts convolutions in bfloat16.
 */
export const frozenInBfloat16: Pass = (step) => {
  const isLearning = learning(step);
  const out: GraphNode[] = [];
  const byName = new Map<string, GraphNode>();
  const add = (node: GraphNode): void => {
    out.push(node);
    byName.set(node.name, node);
  };
  const { reduced } = createReductions(add, "frozen_bfloat16");
  const narrow = (ref: string): string | undefined => {
    const node = byName.get(nodeOf(ref));
    return isWidened(node) ? node.inputs[0] : undefined;
  };
  for (const node of step.nodes) {
    const activations = opNamed(node.op)?.activations;
    const data = dataOf(node);
    const sources = data.slice(0, activations ?? 0).map(narrow);
    const stays =
      activations !== undefined &&
      !isLearning.has(node.name) &&
      !node.inputs.some(isControl) &&
      sources.every((ref) => ref !== undefined);
    if (!stays) add(node);
    else
      inBfloat16(node, [...sources, ...data.slice(activations).map(reduced)] as string[]).forEach(
        add,
      );
  }
  return { ...step, nodes: out };
};
