import { inputError } from "../common/errors.js";
import type { EngineName, PrecisionName } from "../compile/types.js";
import type { Engine, Precision } from "../config/options.js";
import { type Bfloat16Support, computeCapability, deviceName, isGpu, processorBfloat16 } from "../runtime/device.js";
import type { ReducedProducts } from "../runtime/ownModule.js";
import { ownReducedProducts } from "../runtime/ownOps.js";

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
  readonly deterministic?: boolean;
}

/**
 * Whether a run computes in float32 by its options alone, so that a GPU must leave out TF32. Where the machine decides,
 * a GPU that has TF32 takes bfloat16, but for the eager engine.
 */
export const asksForFloat32 = ({ engine, precision }: Asked): boolean =>
  precision === "float32" || (precision === "auto" && engine === "eager");

/** What of a machine decides how a run computes. */
export interface Machine {
  readonly gpu: boolean;
  /** Whether it computes in bfloat16: a GPU of its own accord, a processor by what our own convolutions have for it. */
  readonly hasFastBfloat16: boolean;
}

/** The machine in use. TensorFlow must be loaded. @param env the process's environment */
const thisMachine = (env: Readonly<Record<string, string | undefined>>): Machine =>
  isGpu()
    ? { gpu: true, hasFastBfloat16: (computeCapability(env) ?? 0) >= BFLOAT16_CAPABILITY }
    : { gpu: false, hasFastBfloat16: ownReducedProducts() !== undefined };

/**
 * The precision that `auto` stands for. On a processor bfloat16 is for runs that leave everything to the machine: whoever
 * names an engine there compares engines, which have the same bytes in float32, and `--deterministic` wants float32's.
 * Eager tensors cannot be bfloat16, so the reference engine is float32 on a GPU, too.
 */
function ownPrecision({ engine, deterministic }: Asked, machine: Machine): PrecisionName {
  const isLeftToGpu = engine !== "eager";
  const isLeftToProcessor = engine === "auto" && deterministic !== true;
  const isLeft = machine.gpu ? isLeftToGpu : isLeftToProcessor;
  return isLeft && machine.hasFastBfloat16 ? "bfloat16" : "float32";
}

/** What `auto` means on a machine: on a GPU `xla`, on a processor `graph`, both in bfloat16 where that is fast. */
export const decided = (asked: Asked, machine: Machine): Pick<EngineChoice, "engine" | "precision"> => ({
  engine: asked.engine !== "auto" ? asked.engine : machine.gpu ? "xla" : "graph",
  precision: asked.precision !== "auto" ? asked.precision : ownPrecision(asked, machine),
});

/** Decides what `auto` means on this machine. TensorFlow must be loaded. @param env the process's environment */
export const chooseEngine = (asked: Asked, env: Readonly<Record<string, string | undefined>>): EngineChoice => ({
  ...decided(asked, thisMachine(env)),
  device: deviceName(env),
});

/** What of a machine decides what its bfloat16 is worth. */
export interface Arithmetic {
  /** Of the GPU that computes; undefined on a processor. */
  readonly capability: number | undefined;
  readonly gpu: boolean;
  readonly processor: Bfloat16Support;
  /** What our own convolutions have for it. */
  readonly reduced: ReducedProducts | undefined;
}

/** That of the machine in use. TensorFlow must be loaded. @param env the process's environment */
export const arithmeticOf = (env: Readonly<Record<string, string | undefined>>): Arithmetic => ({
  capability: computeCapability(env),
  gpu: isGpu(),
  processor: processorBfloat16(),
  reduced: ownReducedProducts(),
});

/**
 * What a processor's products of 16 bits mean for a run in which nobody has said how precise it is to be; undefined where
 * they mean nothing.
 */
export function reducedNote(
  { precision }: Pick<Asked, "precision">,
  choice: Pick<EngineChoice, "engine" | "precision">,
  reduced: ReducedProducts | undefined,
): string | undefined {
  if (precision !== "auto" || choice.engine !== "graph" || !reduced) return undefined;
  return choice.precision === "bfloat16"
    ? `Convolutions are in bfloat16, ${reduced.how}: a step takes ${reduced.time} of the time of float32. ` +
        "For PyTorch's numbers in float32, type --precision float32 (docs/performance.md compares their accuracy)."
    : `This processor computes bfloat16 ${reduced.how}: with --precision bfloat16 a step takes ${reduced.time} of the time ` +
        "(docs/performance.md has what it does to accuracy).";
}

/**
 * Why a run gains nothing by its precision on a machine; undefined where it does, or may.
 * @throws inputError where the engine or the machine does not have the precision
 */
export function precisionNote(
  { engine, precision }: Pick<EngineChoice, "engine" | "precision">,
  { gpu, capability, processor, reduced }: Arithmetic,
): string | undefined {
  if (precision === "float32") return undefined;
  if (engine === "eager") {
    throw inputError(
      "The eager engine computes in float32 alone.",
      "Take --precision float32, or another engine; a run that began in bfloat16 goes on with one.",
    );
  }
  if (gpu) {
    const has = (capability ?? BFLOAT16_CAPABILITY) >= BFLOAT16_CAPABILITY;
    return has ? undefined : "This GPU has no bfloat16 of its own: nothing is gained by it over float32.";
  }
  if (engine !== "graph") return undefined;
  if (!processor.isThere) {
    throw inputError("This processor has no convolutions in bfloat16: they take AVX-512.", "Take --precision float32.");
  }
  if (processor.hasUnits || reduced !== undefined) return undefined;
  return (
    "bfloat16 is no faster than float32 on this processor, which has no faster products of 16 bits: most of the " +
    "convolutions stay float32 in it, and a step took 0.97 to 1.00 times as long (docs/performance.md)."
  );
}
