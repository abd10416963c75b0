import { toBfloat16 } from "./bfloat16.js";
import { fuseConvolutions } from "./fusedConvolutions.js";
import { type GraphNode, nodeOf, type Signature } from "./graph.js";
import { hideConstants } from "./opaqueConstants.js";
import { keepSumsOrdered } from "./orderedSums.js";
import { withStandardOps } from "./standardOps.js";
import { FEED_TYPES, type RecordedStep } from "./trace.js";
import type { Entry, PrecisionName } from "./types.js";
import { assignNode, doneNodes, donePort, type GraphVariables } from "./variables.js";

/** A recorded step's nodes such that a session's graph optimizer leaves its arithmetic as it was written. */
const exactNodes = (nodes: readonly GraphNode[]): GraphNode[] =>
  hideConstants(keepSumsOrdered(nodes));

/** How a step's nodes run fastest in each precision; in float32 without another bit. */
const PREPARED: Readonly<
  Record<PrecisionName, (recorded: RecordedStep, prefix: string) => GraphNode[]>
> = {
  float32: ({ nodes, updates }) =>
    exactNodes(fuseConvolutions(nodes, new Set(updates.map(([, value]) => nodeOf(value))))),
  bfloat16: ({ nodes }, prefix) => toBfloat16(exactNodes(withStandardOps(nodes)), prefix),
};

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
    ...PREPARED[precision](recorded, prefix),
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
