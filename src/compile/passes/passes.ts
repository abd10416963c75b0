import { hasMatrixUnits, isGpu } from "../../runtime/device.js";
import { ownOpsServe } from "../../runtime/ownOps.js";
import type { RecordedStep } from "../record/recordedStep.js";
import type { EngineName, PrecisionName } from "../types.js";
import { reduceConvolutions, reduceProducts } from "./bfloat16.js";
import { frozenInBfloat16 } from "./frozenBfloat16.js";
import { fuseConvolutions } from "./fusedConvolutions.js";
import { fuseElementwise } from "./fusedElementwise.js";
import { keepApart } from "./keptApart.js";
import { hideConstants } from "./opaqueConstants.js";
import { keepSumsOrdered } from "./orderedSums.js";
import { padGradientsFirst } from "./paddedGradients.js";
import type { Pass } from "./pass.js";
import { plainBatchNorm } from "./plainBatchNorm.js";
import { rowsInPlace } from "./rowsInPlace.js";
import { useStandardOps } from "./standardOps.js";

/** What passes depend on of the machine that computes. */
export interface Machine {
  /** Whether our own ops serve it. */
  readonly ownOps: boolean;
  /** Whether it is a processor that multiplies matrices of bfloat16 in units of its own. */
  readonly matrixUnits: boolean;
}

/** The machine in use. TensorFlow must be loaded. */
const thisMachine = (): Machine => ({
  ownOps: ownOpsServe(),
  matrixUnits: hasMatrixUnits() && !isGpu(),
});

/** A pass, or one for machines that have something. */
type Entry = Pass | { readonly pass: Pass; readonly where: keyof Machine };

/** Engines that compile a recorded step. */
export type CompiledEngine = Exclude<EngineName, "eager">;

/** Fewer and larger ops of ours; not another bit. */
const JOINED: readonly Entry[] = [
  { pass: fuseConvolutions, where: "ownOps" },
  { pass: fuseElementwise, where: "ownOps" },
];
/** Memory banks stay where they lie. */
const IN_PLACE: readonly Entry[] = [rowsInPlace];
/** A session's graph optimizer leaves the arithmetic as it was written. */
const EXACT: readonly Entry[] = [keepSumsOrdered, keepApart, hideConstants];

/** oneDNN's convolutions in the place of ours, on a processor that multiplies matrices of bfloat16 in units of its own. */
const ONE_DNN: readonly Entry[] = [
  { pass: useStandardOps, where: "matrixUnits" },
  { pass: padGradientsFirst, where: "matrixUnits" },
];

/**
 * What happens to a recorded step before it is compiled, in this order. On a processor our own convolutions stay
 * float32 in bfloat16, too: faster than TensorFlow's in bfloat16, except on processors with units for matrices.
 */
const PASSES: Readonly<Record<CompiledEngine, Readonly<Record<PrecisionName, readonly Entry[]>>>> =
  {
    graph: {
      float32: [...IN_PLACE, ...JOINED, ...EXACT],
      bfloat16: [...IN_PLACE, ...ONE_DNN, ...JOINED, ...EXACT, reduceConvolutions],
    },
    xla: {
      float32: [useStandardOps, plainBatchNorm],
      bfloat16: [useStandardOps, plainBatchNorm, reduceProducts, frozenInBfloat16],
    },
  };

/** The passes of an engine and a precision on a machine, in their order. */
export const passesOf = (
  engine: CompiledEngine,
  precision: PrecisionName,
  machine: Machine = thisMachine(),
): Pass[] =>
  PASSES[engine][precision].flatMap((entry) => {
    if (typeof entry === "function") return [entry];
    return machine[entry.where] ? [entry.pass] : [];
  });

/** Sees a step before the first pass (`after` is undefined) and after each. */
export type Observer = (step: RecordedStep, after: Pass | undefined) => void;

let observer: Observer | undefined;

/** Has all steps looked at while they are made ready, for tests (checkGraph.ts). @returns what ends it */
export function observePasses(observe: Observer): () => void {
  observer = observe;
  return () => {
    observer = undefined;
  };
}

/** A recorded step made ready for an engine. */
export function prepared(
  step: RecordedStep,
  engine: CompiledEngine,
  precision: PrecisionName,
): RecordedStep {
  observer?.(step, undefined);
  return passesOf(engine, precision).reduce((given, pass) => {
    const changed = pass(given);
    observer?.(changed, pass);
    return changed;
  }, step);
}
