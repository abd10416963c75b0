import { toBfloat16 } from "./bfloat16.js";
import type { GraphNode, Signature } from "./graph.js";
import { hideConstants } from "./opaqueConstants.js";
import { keepSumsOrdered } from "./orderedSums.js";
import { withStandardOps } from "./standardOps.js";
import { FEED_TYPES, type RecordedStep } from "./trace.js";
import type { Entry, PrecisionName } from "./types.js";
import { assignNode, doneNodes, donePort, type GraphVariables } from "./variables.js";

/** A recorded step's nodes such that a session's graph optimizer leaves its arithmetic as it was written. */
function preparedNodes(
  prefix: string,
  recorded: RecordedStep,
  precision: PrecisionName,
): GraphNode[] {
  const exact = hideConstants(keepSumsOrdered(recorded.nodes));
  return precision === "bfloat16" ? toBfloat16(withStandardOps(exact), prefix) : exact;
}

/** Assignments of a step's new values; each waits until the old value has been read. */
export function assignments(
  prefix: string,
  recorded: RecordedStep,
  handles: GraphVariables["handles"],
): GraphNode[] {
  return recorded.updates.map(([variable, value], i) => {
    const read = recorded.reads.get(variable);
    const after = read === undefined ? [] : [read];
    return assignNode(`${prefix}/assign_${i}`, handles.get(variable) as string, value, after);
  });
}

/** Nodes and signature that run one step per call. */
export function singleStep(
  prefix: string,
  entry: Entry,
  recorded: RecordedStep,
  variables: GraphVariables,
  precision: PrecisionName,
): { nodes: GraphNode[]; signature: Signature } {
  const assigns = assignments(prefix, recorded, variables.handles);
  const done = `${prefix}/done`;
  const nodes = [
    ...preparedNodes(prefix, recorded, precision),
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
