import { inputError } from "../common/errors.js";
import type { EngineName, PrecisionName } from "../compile/types.js";
import type { Engine, Precision } from "../config/options.js";
import { type Bfloat16Support, computeCapability, deviceName, isGpu, processorBfloat16 } from "../runtime/device.js";
import type { ReducedProducts } from "../runtime/ownModule.js";
import { ownReducedProducts } from "../runtime/ownOps.js";

/** NVIDIA's first generation with bfloat16; those before it that pefd supports have float16. */
const BFLOAT16_CAPABILITY = 8;

export interface EngineChoice {
  readonly engine: EngineName;
  readonly precision: PrecisionName;
  readonly device: string;
}

type Asked = { readonly engine: Engine; readonly precision: Precision; readonly deterministic?: boolean };

/** Whether float32 is requested, so no TF32. `auto` means bfloat16 on GPUs with TF32, except in the eager engine. */
export const asksForFloat32 = ({ engine, precision }: Asked): boolean =>
  precision === "float32" || (precision === "auto" && engine === "eager");

export interface Machine {
  readonly gpu: boolean;
  /** Its fastest type for products: of a GPU's units, or of our convolutions on a CPU. */
  readonly fastest: PrecisionName;
}

/** A GPU's fastest type for products. @param capability undefined where it is not known */
export function fastestOf(capability: number | undefined): PrecisionName {
  if (capability === undefined) return "float32";
  return capability >= BFLOAT16_CAPABILITY ? "bfloat16" : "float16";
}

/** TensorFlow must be loaded. */
const thisMachine = (env: Readonly<Record<string, string | undefined>>): Machine =>
  isGpu()
    ? { gpu: true, fastest: fastestOf(computeCapability(env)) }
    : { gpu: false, fastest: ownReducedProducts() === undefined ? "float32" : "bfloat16" };

/** On a CPU, --engine or --deterministic means float32, bit-identical across engines. Eager is always float32. */
function ownPrecision({ engine, deterministic }: Asked, machine: Machine): PrecisionName {
  const isLeftToGpu = engine !== "eager";
  const isLeftToProcessor = engine === "auto" && deterministic !== true;
  const isLeft = machine.gpu ? isLeftToGpu : isLeftToProcessor;
  return isLeft ? machine.fastest : "float32";
}

/** Resolves `auto`: `xla` on a GPU, `graph` on a CPU, both in the fastest precision. */
export const decided = (asked: Asked, machine: Machine): Pick<EngineChoice, "engine" | "precision"> => ({
  engine: asked.engine !== "auto" ? asked.engine : machine.gpu ? "xla" : "graph",
  precision: asked.precision !== "auto" ? asked.precision : ownPrecision(asked, machine),
});

/** Resolves `auto` on this machine. TensorFlow must be loaded. */
export const chooseEngine = (asked: Asked, env: Readonly<Record<string, string | undefined>>): EngineChoice => ({
  ...decided(asked, thisMachine(env)),
  device: deviceName(env),
});

export interface Arithmetic {
  /** Of the GPU; undefined on a CPU. */
  readonly capability: number | undefined;
  readonly gpu: boolean;
  readonly processor: Bfloat16Support;
  readonly reduced: ReducedProducts | undefined;
}

/** A machine's support for bfloat16. TensorFlow must be loaded. */
export const arithmeticOf = (env: Readonly<Record<string, string | undefined>>): Arithmetic => ({
  capability: computeCapability(env),
  gpu: isGpu(),
  processor: processorBfloat16(),
  reduced: ownReducedProducts(),
});

/** A note on bfloat16 on a CPU without --precision; undefined where it does not apply. */
export function reducedNote(
  { precision }: Pick<Asked, "precision">,
  choice: Pick<EngineChoice, "engine" | "precision">,
  reduced: ReducedProducts | undefined,
): string | undefined {
  if (precision !== "auto" || choice.engine !== "graph" || !reduced) return undefined;
  return choice.precision === "bfloat16"
    ? `Convolutions run in bfloat16 ${reduced.how}: a step takes ${reduced.time} of the float32 time. ` +
        "--precision float32 matches PyTorch's numbers (docs/performance.md compares accuracy)."
    : `This CPU computes bfloat16 ${reduced.how}: with --precision bfloat16 a step takes ${reduced.time} of the time ` +
        "(docs/performance.md compares accuracy).";
}

/** Why a precision of 16 bits is no faster, or undefined. @throws inputError if the engine or machine does not support it */
export function precisionNote(
  { engine, precision }: Pick<EngineChoice, "engine" | "precision">,
  { gpu, capability, processor, reduced }: Arithmetic,
): string | undefined {
  if (precision === "float32") return undefined;
  if (engine === "eager") {
    throw inputError(
      "The eager engine computes in float32 only.",
      `Use --precision float32, or another engine; a run started in ${precision} needs another engine.`,
    );
  }
  if (gpu) {
    const has = (capability ?? BFLOAT16_CAPABILITY) >= BFLOAT16_CAPABILITY || precision === "float16";
    return has
      ? undefined
      : "This GPU does not support bfloat16 natively: it is no faster than float32. --precision float16 is.";
  }
  if (precision === "float16") return "float16 is for GPUs: on a CPU it is slower than float32.";
  if (engine !== "graph") return undefined;
  if (!processor.isThere) {
    throw inputError("This CPU has no bfloat16 convolutions: they need AVX-512.", "Use --precision float32.");
  }
  if (processor.hasUnits || reduced !== undefined) return undefined;
  return (
    "bfloat16 is no faster than float32 on this CPU, which has neither AVX-512 VNNI nor AMX: most convolutions stay " +
    "float32, and a step took 0.97 to 1.00 times as long (docs/performance.md)."
  );
}
