import { hasMatrixUnits, isGpu } from "../../runtime/device.js";
import { ownOpsServe } from "../../runtime/ownOps.js";
import type { GraphNode } from "../graph/graph.js";
import type { RecordedStep } from "../record/trace.js";
import type { EngineName, PrecisionName } from "../types.js";
import { type Reduced, toBfloat16 } from "./bfloat16.js";
import { frozenInBfloat16 } from "./frozenBfloat16.js";
import { fuseConvolutions } from "./fusedConvolutions.js";
import { fuseElementwise } from "./fusedElementwise.js";
import { keepApart } from "./keptApart.js";
import { hideConstants } from "./opaqueConstants.js";
import { keepSumsOrdered } from "./orderedSums.js";
import { padGradientsFirst } from "./paddedGradients.js";
import { plainBatchNorm } from "./plainBatchNorm.js";
import { withStandardOps } from "./standardOps.js";

/** A change of a recorded step that leaves what it computes as it is, or as its precision has it. */
export type Pass = (step: RecordedStep) => RecordedStep;

/** A pass that looks at nodes alone. */
const ofNodes =
  (change: (nodes: readonly GraphNode[]) => GraphNode[]): Pass =>
  (step) => ({ ...step, nodes: change(step.nodes) });

/** A pass for what the machine has; elsewhere the step stays as it is. */
const where =
  (isTrue: () => boolean, pass: Pass): Pass =>
  (step) =>
    isTrue() ? pass(step) : step;

/** TensorFlow's own ops in the place of ours. */
const standard = ofNodes(withStandardOps);
/** Fewer and larger ops of ours; not another bit. */
const joined: readonly Pass[] = [fuseConvolutions, fuseElementwise].map((pass) =>
  where(ownOpsServe, pass),
);
/** A session's graph optimizer leaves the arithmetic as it was written. */
const exact: readonly Pass[] = [keepSumsOrdered, keepApart, hideConstants].map(ofNodes);
/** oneDNN's convolutions in the place of ours, on a processor that multiplies matrices of bfloat16 in units of its own. */
const oneDnn: readonly Pass[] = [standard, ofNodes(padGradientsFirst)].map((pass) =>
  where(() => hasMatrixUnits() && !isGpu(), pass),
);
const bfloat16 = (...kinds: Reduced[]): Pass => ofNodes((nodes) => toBfloat16(nodes, kinds));

/**
 * What happens to a recorded step before it is compiled, in this order. On a processor our own convolutions stay
 * float32 in bfloat16, too: faster than TensorFlow's in bfloat16, except on processors with units for matrices.
 */
const PASSES: Readonly<
  Record<Exclude<EngineName, "eager">, Readonly<Record<PrecisionName, readonly Pass[]>>>
> = {
  graph: {
    float32: [...joined, ...exact],
    bfloat16: [...oneDnn, ...joined, ...exact, bfloat16("convolution")],
  },
  xla: {
    float32: [standard, plainBatchNorm],
    bfloat16: [standard, plainBatchNorm, bfloat16("convolution", "product"), frozenInBfloat16],
  },
};

/** A recorded step made ready for an engine. */
export const prepared = (
  step: RecordedStep,
  engine: Exclude<EngineName, "eager">,
  precision: PrecisionName,
): RecordedStep => PASSES[engine][precision].reduce((changed, pass) => pass(changed), step);
