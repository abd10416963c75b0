import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { linkedRuntime } from "./installed.js";
import { nativeBackend } from "./native.js";
import { type Gpu, usedGpuMemory, visibleGpus } from "./nvidia.js";
import { packageDirectory } from "./paths.js";

type Environment = Readonly<Record<string, string | undefined>>;

let known: Gpu[] | undefined;

/** The visible GPUs, asked for once: they do not change while a process runs. */
function gpus(env: Environment): Gpu[] {
  known ??= visibleGpus(env);
  return known;
}

/** Whether TensorFlow, which must be loaded, computes on a GPU. */
export const isGpu = (): boolean => nativeBackend().isUsingGpuDevice;

/** The processor by name with the number of cores at our disposal: `CPU (AMD EPYC 9354, 2 cores)`. */
export function processorName(): string {
  const model = cpus()[0]?.model.replace(/\s+/g, " ").trim() || "unknown processor";
  const cores = availableParallelism();
  return `CPU (${model}, ${cores} ${cores === 1 ? "core" : "cores"})`;
}

let matrixUnits: boolean | undefined;

/** Whether the processor multiplies matrices of bfloat16 in units of their own (AMX), as Linux tells it. */
export function hasMatrixUnits(): boolean {
  matrixUnits ??=
    existsSync("/proc/cpuinfo") && /\bamx_bf16\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  return matrixUnits;
}

/** What TensorFlow computes on: the GPU's name, else the processor's. TensorFlow must be loaded. */
export function deviceName(env: Environment): string {
  return isGpu() ? (gpus(env)[0]?.name ?? "GPU") : processorName();
}

/** The GPU's compute capability (8 and above: bfloat16); undefined on a processor. TensorFlow must be loaded. */
export function computeCapability(env: Environment): number | undefined {
  return isGpu() ? gpus(env)[0]?.computeCapability : undefined;
}

/**
 * Memory in use on the GPU that TensorFlow computes on, in megabytes (2^20 bytes): with memory taken as needed, the
 * most that was needed so far. Undefined on a processor. TensorFlow must be loaded.
 */
export const deviceMemory = (env: Environment): number | undefined =>
  isGpu() ? usedGpuMemory(env) : undefined;

/**
 * A warning for a machine whose GPU is not used although it is there; undefined where all is as it should
 * be or PEFD_RUNTIME=cpu asks for it. TensorFlow must be loaded.
 */
export function fallbackWarning(env: Environment): string | undefined {
  if (isGpu() || env.PEFD_RUNTIME === "cpu") return undefined;
  const gpu = gpus(env)[0];
  if (gpu === undefined) return undefined;
  const folder = packageDirectory();
  const isCpuBuild = folder !== undefined && linkedRuntime(folder)?.kind === "cpu";
  const why = isCpuBuild
    ? "TensorFlow's CPU build is installed. Take the other one: PEFD_RUNTIME=gpu npm run setup"
    : "TensorFlow could not use it. The reason: pefd doctor";
  return `THE GPU IS NOT USED. This machine has an ${gpu.name}, but ${why}. Everything runs on the processor, many times slower.`;
}
