import type { EngineName, PrecisionName } from "../compile/types.js";
import type { Engine, Precision } from "../config/options.js";
import { computeCapability, deviceName, isGpu } from "../runtime/device.js";

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
