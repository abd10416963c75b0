import { DT } from "../../runtime/native.js";
import { attributeReader, type GraphNode, type GraphTensor, isControl, nodeOf, nodesByName } from "../graph/graph.js";
import type { Pass, RecordedStep } from "../record/recordedStep.js";

/** The scatter that updates some rows of a variable, where its update is one. */
export function rowWrite(
  { reads }: Pick<RecordedStep, "reads">,
  [variable, value]: RecordedStep["updates"][number],
  byName: ReadonlyMap<string, GraphNode>,
): GraphNode | undefined {
  const node = byName.get(nodeOf(value));
  const isWrite = node?.op === "TensorScatterUpdate" && node.inputs[0] === (reads.get(variable) as string);
  return isWrite ? node : undefined;
}

function takesRows(node: GraphNode, tensor: string, byName: ReadonlyMap<string, GraphNode>): boolean {
  const [table, , axis = ""] = node.inputs;
  if (node.op !== "GatherV2" || table !== tensor || node.inputs.some(isControl)) return false;
  const source = byName.get(nodeOf(axis));
  const value = source && (attributeReader(source)("value") as GraphTensor | undefined);
  return value?.bytes.every((byte) => byte === 0) ?? false;
}

/** Gathers rows in place from variables that the step scatters to: reading such a variable would copy all of it. */
export const rowsInPlace: Pass = (step) => {
  const byName = nodesByName(step.nodes);
  const written = step.updates
    .filter((update) => rowWrite(step, update, byName) !== undefined)
    .map(([variable]) => step.reads.get(variable) as string);
  if (written.length === 0) return step;
  const nodes = step.nodes.map((node) => {
    const read = written.find((name) => takesRows(node, name, byName));
    if (read === undefined) return node;
    const [handle] = (byName.get(read) as GraphNode).inputs as [string];
    return {
      ...node,
      op: "ResourceGather",
      inputs: [handle, node.inputs[1] as string],
      attributes: {
        dtype: { type: DT.float },
        Tindices: { type: DT.int32 },
        batch_dims: { int: 0 },
        validate_indices: { bool: true },
      },
    };
  });
  return { ...step, nodes };
};
