import { type GraphNode, nodesByName, type Signature, usersOf } from "./graph/graph.js";
import {
  assignNode,
  assignRowsNode,
  doneNodes,
  donePort,
  type GraphVariables,
} from "./graph/variables.js";
import { prepared } from "./passes/passes.js";
import { rowWrite } from "./passes/rowsInPlace.js";
import type { RecordedStep } from "./record/recordedStep.js";
import { FEED_TYPES } from "./record/trace.js";
import type { Entry, PrecisionName } from "./types.js";

/** Assignments of a step's new values, or of new rows; each waits until the old values have been read. */
function assignments(
  prefix: string,
  recorded: RecordedStep,
  handles: GraphVariables["handles"],
): GraphNode[] {
  const byName = nodesByName(recorded.nodes);
  const users = usersOf(recorded.nodes);
  return recorded.updates.map((update, i) => {
    const [variable, value] = update;
    const handle = handles.get(variable) as string;
    const name = `${prefix}/assign_${i}`;
    const write = rowWrite(recorded, update, byName);
    const readers = (users.get(handle) ?? []).map((node) => node.name);
    if (write === undefined) return assignNode(name, handle, value, readers);
    const read = recorded.reads.get(variable) as string;
    const isNeeded = users.get(read)?.some((user) => user !== write) ?? false;
    const [, places, rows] = write.inputs as [string, string, string];
    const after = isNeeded ? readers : readers.filter((reader) => reader !== read);
    return assignRowsNode(name, handle, places, rows, after);
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
