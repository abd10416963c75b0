import { inputError } from "../common/errors.js";
import type { EngineName, PrecisionName } from "../compile/types.js";
import type { Engine, Precision } from "../config/options.js";
import { computeCapability, deviceName, isGpu } from "../runtime/device.js";
import { type Bfloat16Support, processorBfloat16 } from "../runtime/processor.js";

/** The first generation of NVIDIA GPUs that computes in bfloat16. */
const BFLOAT16_CAPABILITY = 8;

/** How a run computes, decided. */
export interface EngineChoice {
  readonly engine: EngineName;
  readonly precision: PrecisionName;
  readonly device: string;
}

/** Engine and precision as they were asked for. */
interface Asked {
  readonly engine: Engine;
  readonly precision: Precision;
}

/**
 * Whether a run computes in float32 by its options alone, so that a GPU must leave out TF32. Where the machine decides,
 * a GPU that has TF32 takes bfloat16, but for the eager engine.
 */
export const asksForFloat32 = ({ engine, precision }: Asked): boolean =>
  precision === "float32" || (precision === "auto" && engine === "eager");

/**
 * Decides what `auto` means on this machine: on a GPU `xla`, in bfloat16 from compute capability 8 on; on a processor
 * `graph` in float32. TensorFlow must be loaded.
 * @param env the process's environment
 */
export function chooseEngine(
  { engine, precision }: Asked,
  env: Readonly<Record<string, string | undefined>>,
): EngineChoice {
  const gpu = isGpu();
  const reduced = (computeCapability(env) ?? 0) >= BFLOAT16_CAPABILITY;
  const own = gpu ? "xla" : "graph";
  const chosen = engine === "auto" ? own : engine;
  // Eager tensors cannot be bfloat16, so the reference engine is float32 unless something else is asked for.
  const ownPrecision = gpu && reduced && chosen !== "eager" ? "bfloat16" : "float32";
  return {
    engine: chosen,
    precision: precision === "auto" ? ownPrecision : precision,
    device: deviceName(env),
  };
}

/** What of a machine decides what its bfloat16 is worth. */
export interface Arithmetic {
  /** Of the GPU that computes; undefined on a processor. */
  readonly capability: number | undefined;
  readonly gpu: boolean;
  readonly processor: Bfloat16Support;
}

/** That of the machine in use. TensorFlow must be loaded. @param env the process's environment */
export const arithmeticOf = (env: Readonly<Record<string, string | undefined>>): Arithmetic => ({
  capability: computeCapability(env),
  gpu: isGpu(),
  processor: processorBfloat16(),
});

/**
 * What to type for a faster run, where nobody has said how precise it is to be; undefined where nothing is faster, or
 * nobody knows.
 * @param hasFastBfloat16 whether our own convolutions use a processor's units for matrices of bfloat16
 */
export function fasterNote(
  { precision }: Asked,
  choice: Pick<EngineChoice, "engine" | "precision">,
  hasFastBfloat16: boolean,
): string | undefined {
  const isFloat32 = choice.engine === "graph" && choice.precision === "float32";
  if (precision !== "auto" || !isFloat32 || !hasFastBfloat16) return undefined;
  return (
    "This processor has units for matrices of bfloat16 (AMX): with --precision bfloat16 a step takes about half the time " +
    "(docs/performance.md has what it does to accuracy)."
  );
}

/**
 * Why a run gains nothing by its precision on a machine; undefined where it does, or may.
 * @throws inputError where the machine does not have the precision
 */
export function precisionNote(
  { engine, precision }: Pick<EngineChoice, "engine" | "precision">,
  { gpu, capability, processor }: Arithmetic,
): string | undefined {
  if (precision === "float32") return undefined;
  if (gpu) {
    const has = (capability ?? BFLOAT16_CAPABILITY) >= BFLOAT16_CAPABILITY;
    return has
      ? undefined
      : "This GPU has no bfloat16 of its own: nothing is gained by it over float32.";
  }
  if (engine !== "graph") return undefined;
  if (!processor.isThere) {
    throw inputError(
      "This processor has no convolutions in bfloat16: they take AVX-512.",
      "Take --precision float32.",
    );
  }
  if (processor.hasUnits) return undefined;
  return (
    "bfloat16 is no faster than float32 on this processor, which has no units for matrices (AMX): most of the convolutions " +
    "stay float32 in it, and a step took 0.97 to 1.00 times as long (docs/performance.md)."
  );
}
