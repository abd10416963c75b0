import { ownOp } from "../../ops/ops.js";
import { hasMatrixUnits, isGpu } from "../../runtime/device.js";
import type { ReducedProducts } from "../../runtime/ownModule.js";
import { ownNarrowImages, ownOpsServe, ownReducedProducts } from "../../runtime/ownOps.js";
import type { Pass, RecordedStep } from "../record/recordedStep.js";
import type { EngineName, PrecisionName } from "../types.js";
import { hideConstants, keepApart, keepSumsOrdered } from "./barriers.js";
import { frozenInBfloat16, reduceConvolutions, reduceProducts } from "./bfloat16.js";
import { dropCastPairs, dropEqualReshapes, narrowImages } from "./bfloat16Activations.js";
import { foldInference } from "./foldedInference.js";
import { fuseBatchNorm, fuseConvolutions, fuseElementwise, takeElementwise } from "./fusion.js";
import { padGradientsFirst } from "./paddedGradients.js";
import { plainBatchNorm } from "./plainBatchNorm.js";
import { rowsInPlace } from "./rowsInPlace.js";
import { useStandardOps } from "./standardOps.js";

/** Our ops that take the attribute (src/native/ops/convolution_ops.cc). */
const TAKE_IT: ReadonlySet<string> = new Set(["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"].map(ownOp));

/**
 * Has our own convolutions and their gradients multiply numbers of 16 bits, by what the processor has for them. They take and
 * give float32: only what is multiplied is rounded, so that nothing between them changes and nothing has to be cast.
 * Convolutions of several groups take no notice, and stay float32.
 */
const reduceOwnProducts: Pass = (step) => ({
  ...step,
  nodes: step.nodes.map((node) =>
    TAKE_IT.has(node.op) ? { ...node, attributes: { ...node.attributes, reduced: { bool: true } } } : node,
  ),
});

/** What passes depend on of the machine that computes. */
export interface Machine {
  /** Whether our own ops serve it. */
  readonly ownOps: boolean;
  /** Whether it is a processor that multiplies matrices of bfloat16 in units of their own, for TensorFlow's convolutions, too. */
  readonly matrixUnits: boolean;
  /** What our own convolutions have for bfloat16 that is faster than float32. */
  readonly reduced: ReducedProducts | undefined;
  /** Whether images may lie in bfloat16 from one of our ops to the next. */
  readonly narrowImages: boolean;
}

/** The machine in use. TensorFlow must be loaded. */
const thisMachine = (): Machine => ({
  ownOps: ownOpsServe(),
  matrixUnits: hasMatrixUnits() && !isGpu(),
  reduced: ownReducedProducts(),
  narrowImages: ownNarrowImages(),
});

/** A pass, or one for machines that have something. */
type Entry = Pass | { readonly pass: Pass; readonly where: (machine: Machine) => boolean };

/** Engines that compile a recorded step. */
export type CompiledEngine = Exclude<EngineName, "eager">;

/** Fewer and larger ops of ours; not another bit. */
const JOINED: readonly Entry[] = [
  { pass: fuseConvolutions, where: ({ ownOps }) => ownOps },
  { pass: fuseBatchNorm, where: ({ ownOps }) => ownOps },
  { pass: fuseElementwise, where: ({ ownOps }) => ownOps },
];
/** Memory banks stay where they lie. */
const IN_PLACE: readonly Entry[] = [rowsInPlace];
/** Half of what is read and written between our ops. */
const NARROW: readonly Entry[] = [dropEqualReshapes, takeElementwise, narrowImages].map((pass) => ({
  pass,
  where: (machine: Machine) => machine.narrowImages,
}));
/** An evaluation's batch normalisation in the filters before it; other roundings. */
const FOLDED: readonly Entry[] = [{ pass: foldInference, where: ({ ownOps }) => ownOps }];
/** A session's graph optimizer leaves the arithmetic as it was written. */
const EXACT: readonly Entry[] = [keepSumsOrdered, keepApart, hideConstants];

/**
 * Where a processor has more for products of 16 bits than for those of float32, our convolutions use it. On one that multiplies
 * matrices of bfloat16 in units of their own they are oneDNN's where ours do not, and what ours do not serve is oneDNN's as well.
 */
const REDUCED: readonly Entry[] = [
  { pass: reduceOwnProducts, where: ({ reduced }) => reduced !== undefined },
  {
    pass: useStandardOps,
    where: ({ matrixUnits, reduced }) => matrixUnits && reduced === undefined,
  },
  { pass: padGradientsFirst, where: ({ matrixUnits }) => matrixUnits },
];
/** Convolutions of TensorFlow in bfloat16; what it has for it may be slower than its float32 where ours have something. */
const REST_REDUCED: readonly Entry[] = [
  { pass: reduceConvolutions, where: ({ reduced }) => reduced?.servesTensorFlow !== false },
  { pass: dropCastPairs, where: ({ narrowImages }) => narrowImages },
];

/**
 * What happens to a recorded step before it is compiled, in this order. On a processor that has nothing for it
 * our own convolutions stay float32 in bfloat16, too: they are faster than TensorFlow's in bfloat16.
 */
const PASSES: Readonly<Record<CompiledEngine, Readonly<Record<PrecisionName, readonly Entry[]>>>> = {
  graph: {
    float32: [...IN_PLACE, ...JOINED, ...EXACT],
    bfloat16: [...IN_PLACE, ...REDUCED, ...FOLDED, ...JOINED, ...NARROW, ...EXACT, ...REST_REDUCED],
  },
  xla: {
    float32: [useStandardOps, plainBatchNorm],
    bfloat16: [useStandardOps, plainBatchNorm, reduceProducts, frozenInBfloat16],
  },
};

/** The passes of an engine and a precision on a machine, in their order. */
export const passesOf = (engine: CompiledEngine, precision: PrecisionName, machine: Machine = thisMachine()): Pass[] =>
  PASSES[engine][precision].flatMap((entry) => {
    if (typeof entry === "function") return [entry];
    return entry.where(machine) ? [entry.pass] : [];
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
export function prepared(step: RecordedStep, engine: CompiledEngine, precision: PrecisionName): RecordedStep {
  observer?.(step, undefined);
  return passesOf(engine, precision).reduce((given, pass) => {
    const changed = pass(given);
    observer?.(changed, pass);
    return changed;
  }, step);
}
