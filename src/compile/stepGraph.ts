import { hasMatrixUnits } from "../runtime/device.js";
import { ownOpsServe } from "../runtime/ownOps.js";
import { toBfloat16 } from "./bfloat16.js";
import { fuseConvolutions } from "./fusedConvolutions.js";
import { fuseElementwise } from "./fusedElementwise.js";
import type { GraphNode, Signature } from "./graph.js";
import { hideConstants } from "./opaqueConstants.js";
import { keepSumsOrdered } from "./orderedSums.js";
import { withStandardOps } from "./standardOps.js";
import { FEED_TYPES, type RecordedStep } from "./trace.js";
import type { Entry, PrecisionName } from "./types.js";
import { assignNode, doneNodes, donePort, type GraphVariables } from "./variables.js";

/** A recorded step's nodes such that a session's graph optimizer leaves its arithmetic as it was written. */
const exactNodes = (nodes: readonly GraphNode[]): GraphNode[] =>
  hideConstants(keepSumsOrdered(nodes));

/** A recorded step with fewer and larger ops of ours, where those serve; not another bit. */
const fused = (recorded: RecordedStep): RecordedStep =>
  ownOpsServe() ? fuseElementwise(fuseConvolutions(recorded)) : recorded;

/**
 * How a step runs fastest in each precision. Our own convolutions stay float32 in bfloat16, too: faster than
 * TensorFlow's in bfloat16, except on processors with units for matrices.
 */
const PREPARED: Readonly<
  Record<PrecisionName, (recorded: RecordedStep, prefix: string) => RecordedStep>
> = {
  float32(recorded) {
    const step = fused(recorded);
    return { ...step, nodes: exactNodes(step.nodes) };
  },
  bfloat16(recorded, prefix) {
    const nodes = hasMatrixUnits() ? withStandardOps(recorded.nodes) : recorded.nodes;
    const step = fused({ ...recorded, nodes });
    return { ...step, nodes: toBfloat16(exactNodes(step.nodes), prefix) };
  },
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
  const step = PREPARED[precision](recorded, prefix);
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
