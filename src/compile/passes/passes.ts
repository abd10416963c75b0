import { ownOp } from "../../ops/ops.js";
import { hasMatrixUnits, isGpu } from "../../runtime/device.js";
import type { ReducedProducts } from "../../runtime/ownModule.js";
import { ownBfloat16Activations, ownOpsServe, ownReducedProducts } from "../../runtime/ownOps.js";
import { optimizesGraphs } from "../../runtime/tf.js";
import type { Pass, RecordedStep } from "../record/recordedStep.js";
import type { EngineName, PrecisionName } from "../types.js";
import { addFusionBarriers, blockConstantFolding, expandSums, keepReductionOrder } from "./barriers.js";
import { bfloat16Activations, dropCastPairs, dropEqualReshapes } from "./bfloat16Activations.js";
import { foldInference } from "./foldedInference.js";
import { fuseBatchNorm, fuseConvolutions, fuseElementwise, replaceElementwise } from "./fusion.js";
import {
  frozenInBfloat16,
  frozenInFloat16,
  productsInFloat16,
  reduceConvolutions,
  reduceProducts,
} from "./mixedPrecision.js";
import { padGradients } from "./paddedGradients.js";
import { passRunner } from "./passRunner.js";
import { plainBatchNorm } from "./plainBatchNorm.js";
import { rowsInPlace } from "./rowsInPlace.js";
import { useStandardOps } from "./standardOps.js";

/** Our ops with the attribute `reduced` (src/native/ops/convolution_ops.cc). */
const REDUCIBLE: ReadonlySet<string> = new Set(["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"].map(ownOp));

/** Our convolutions, but grouped ones, multiply in 16 bits (VNNI, AMX): operands are rounded, no casts are needed. */
const reduceOwnProducts: Pass = (step) => ({
  ...step,
  nodes: step.nodes.map((node) =>
    REDUCIBLE.has(node.op) ? { ...node, attributes: { ...node.attributes, reduced: { bool: true } } } : node,
  ),
});

export interface Machine {
  readonly ownOps: boolean;
  /** Whether it is a CPU with AMX, which TensorFlow's convolutions use, too. */
  readonly matrixUnits: boolean;
  /** Our convolutions' faster kernels for bfloat16. */
  readonly reduced: ReducedProducts | undefined;
  /** Whether images may lie in bfloat16 from one of our ops to the next. */
  readonly bfloat16Activations: boolean;
  /** Whether TensorFlow's graph optimizer rewrites the graph of a session. */
  readonly graphOptimizer: boolean;
}

/** TensorFlow must be loaded. */
const thisMachine = (): Machine => ({
  ownOps: ownOpsServe(),
  matrixUnits: hasMatrixUnits() && !isGpu(),
  reduced: ownReducedProducts(),
  bfloat16Activations: ownBfloat16Activations(),
  graphOptimizer: optimizesGraphs,
});

type Entry = Pass | { readonly pass: Pass; readonly where: (machine: Machine) => boolean };

export type CompiledEngine = Exclude<EngineName, "eager">;

/** Fusion of our ops; the same bits. */
const FUSED: readonly Entry[] = [
  { pass: fuseConvolutions, where: ({ ownOps }) => ownOps },
  { pass: fuseBatchNorm, where: ({ ownOps }) => ownOps },
  { pass: fuseElementwise, where: ({ ownOps }) => ownOps },
];
const IN_PLACE: readonly Entry[] = [rowsInPlace];
/** Half the memory traffic between our ops. */
const BFLOAT16_ACTIVATIONS: readonly Entry[] = [dropEqualReshapes, replaceElementwise, bfloat16Activations].map(
  (pass) => ({ pass, where: (machine: Machine) => machine.bfloat16Activations }),
);
/** Folding of batch normalisation in evaluation; changes rounding. */
const FOLDED: readonly Entry[] = [{ pass: foldInference, where: ({ ownOps }) => ownOps }];
/** Sums in the order in which they were written; barriers keep a session's graph optimizer from changing the arithmetic. */
const EXACT: readonly Entry[] = [
  expandSums,
  ...[keepReductionOrder, addFusionBarriers, blockConstantFolding].map((pass) => ({
    pass,
    where: (machine: Machine) => machine.graphOptimizer,
  })),
];

/** Our convolutions use VNNI or AMX; with AMX, oneDNN takes those that ours do not support. */
const REDUCED: readonly Entry[] = [
  { pass: reduceOwnProducts, where: ({ reduced }) => reduced !== undefined },
  { pass: useStandardOps, where: ({ matrixUnits, reduced }) => matrixUnits && reduced === undefined },
  { pass: padGradients, where: ({ matrixUnits }) => matrixUnits },
];
/** TensorFlow's convolutions in bfloat16, which may be slower than its float32 on CPUs where ours are faster. */
const REST_REDUCED: readonly Entry[] = [
  { pass: reduceConvolutions, where: ({ reduced }) => reduced?.servesTensorFlow !== false },
  { pass: dropCastPairs, where: ({ bfloat16Activations }) => bfloat16Activations },
];

/** In order. Without VNNI and AMX ours stay float32 even for bfloat16, which is faster than TensorFlow's bfloat16. */
const PASSES: Readonly<Record<CompiledEngine, Readonly<Record<PrecisionName, readonly Entry[]>>>> = {
  graph: {
    float32: [...IN_PLACE, ...FUSED, ...EXACT],
    bfloat16: [...IN_PLACE, ...REDUCED, ...FOLDED, ...FUSED, ...BFLOAT16_ACTIVATIONS, ...EXACT, ...REST_REDUCED],
    float16: [...IN_PLACE, useStandardOps, ...EXACT, productsInFloat16],
  },
  xla: {
    float32: [useStandardOps, plainBatchNorm],
    bfloat16: [useStandardOps, plainBatchNorm, reduceProducts, frozenInBfloat16],
    float16: [useStandardOps, plainBatchNorm, productsInFloat16, frozenInFloat16],
  },
};

/** The passes of an engine and a precision on a machine, in order. */
export const passesOf = (engine: CompiledEngine, precision: PrecisionName, machine: Machine = thisMachine()): Pass[] =>
  PASSES[engine][precision].flatMap((entry) => {
    if (typeof entry === "function") return [entry];
    return entry.where(machine) ? [entry.pass] : [];
  });

/** Observes all passes, for tests. */
export const { observe: observePasses, run: runPasses } = passRunner<RecordedStep>();

/** A recorded step after an engine's passes. */
export const prepared = (step: RecordedStep, engine: CompiledEngine, precision: PrecisionName): RecordedStep =>
  runPasses(step, passesOf(engine, precision));
