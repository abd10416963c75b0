import { engineNames } from "../compile/program.js";
import type { EngineName, PrecisionName } from "../compile/types.js";
import type { Variant } from "./types.js";

/** What decides how a machine is timed where nothing is asked for. */
export interface Machine {
  readonly gpu: boolean;
  /** Whether it computes in bfloat16 natively. */
  readonly bfloat16: boolean;
}

/** The first generation of NVIDIA GPUs that computes in bfloat16. */
const BFLOAT16_CAPABILITY = 8;

/**
 * What is known of the machine.
 * @param capability of the GPU in use, undefined where there is none
 * @param cpuinfo text of /proc/cpuinfo
 */
export function machineOf(gpu: boolean, capability: number | undefined, cpuinfo: string): Machine {
  const bfloat16 = gpu
    ? (capability ?? 0) >= BFLOAT16_CAPABILITY
    : /\b(avx512_bf16|amx_bf16)\b/.test(cpuinfo);
  return { gpu, bfloat16 };
}

/** XLA on a processor is slower than the graph and is timed only when asked for. */
const ownEngines = ({ gpu }: Machine): EngineName[] =>
  engineNames().filter((engine) => gpu || engine !== "xla");

/**
 * Engines times precisions, without those that do not exist: eager tensors cannot be bfloat16.
 * @param engines those asked for; empty for the machine's own
 * @param precisions those asked for; empty for the machine's own
 */
export function variantsFor(
  machine: Machine,
  engines: readonly EngineName[],
  precisions: readonly PrecisionName[],
): Variant[] {
  const own: PrecisionName[] = machine.bfloat16 ? ["float32", "bfloat16"] : ["float32"];
  return (engines.length > 0 ? engines : ownEngines(machine)).flatMap((engine) =>
    (precisions.length > 0 ? precisions : own)
      .filter((precision) => engine !== "eager" || precision === "float32")
      .map((precision) => ({ engine, precision })),
  );
}
