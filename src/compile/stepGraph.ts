import type { GraphNode, Signature } from "./graph/graph.js";
import { assignNode, doneNodes, donePort, type GraphVariables } from "./graph/variables.js";
import { prepared } from "./passes/passes.js";
import type { RecordedStep } from "./record/recordedStep.js";
import { FEED_TYPES } from "./record/trace.js";
import type { Entry, PrecisionName } from "./types.js";

/** Assignments of a step's new values; each waits until the old value has been read. */
const assignments = (
  prefix: string,
  recorded: RecordedStep,
  handles: GraphVariables["handles"],
): GraphNode[] =>
  recorded.updates.map(([variable, value], i) => {
    const read = recorded.reads.get(variable);
    const after = read === undefined ? [] : [read];
    return assignNode(`${prefix}/assign_${i}`, handles.get(variable) as string, value, after);
  });

/** Nodes and signature that run one step per call. */
export function singleStep(
  prefix: string,
  entry: Entry,
  recorded: RecordedStep,
  variables: GraphVariables,
  precision: PrecisionName,
): { nodes: GraphNode[]; signature: Signature } {
  const step = prepared(recorded, "graph", precision);
  const assigns = assignments(prefix, step, variables.handles);
  const done = `${prefix}/done`;
  const nodes = [
    ...step.nodes,
    ...assigns,
    ...doneNodes(
      done,
      assigns.map((node) => node.name),
    ),
  ];
  const inputs = Object.fromEntries(
    Object.entries({ ...entry.perStep, ...entry.shared }).map(([name, { shape, dtype }]) => [
      name,
      { tensor: `${recorded.feeds[name]}:0`, dtype: FEED_TYPES[dtype], shape },
    ]),
  );
  return { nodes, signature: { inputs, outputs: donePort(done) } };
}
