import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { usedGpuMemory, visibleNames } from "./gpu/nvidiaSmi.js";
import { gpuOutlook, type Outlook } from "./gpu/outlook.js";
import { knownGpus } from "./gpu/survey.js";
import type { Environment, Gpu } from "./gpu/types.js";
import { nativeBackend } from "./native.js";
import { nativeDirectory } from "./nativeFolder.js";
import { linkedRuntime } from "./setup/tree.js";

export interface Bfloat16Support {
  /** Whether oneDNN has convolutions in bfloat16 for it: it takes AVX-512, or AVX2 with conversions from bfloat16. */
  readonly isThere: boolean;
  /** Whether it multiplies matrices of bfloat16 in units of their own (AMX). */
  readonly hasUnits: boolean;
}

const CPUINFO = "/proc/cpuinfo";

/** bfloat16 features by the text of /proc/cpuinfo; assumed where it cannot be read. */
export function bfloat16Of(cpuinfo: string): Bfloat16Support {
  const has = (flag: string): boolean => new RegExp(`\\b${flag}\\b`).test(cpuinfo);
  const tellsNothing = !/^flags\s*:/m.test(cpuinfo);
  return { isThere: tellsNothing || has("avx512bw") || has("avx_ne_convert"), hasUnits: has("amx_bf16") };
}

let support: Bfloat16Support | undefined;

/** That of this machine's CPU. */
export function processorBfloat16(): Bfloat16Support {
  support ??= bfloat16Of(existsSync(CPUINFO) ? readFileSync(CPUINFO, "utf8") : "");
  return support;
}

/** The GPU that is computed on, or would be if TensorFlow could use it. */
const chosen = (env: Environment): Gpu | undefined => knownGpus(env).gpus[0];

/** Whether TensorFlow, which must be loaded, computes on a GPU. */
export const isGpu = (): boolean => nativeBackend().isUsingGpuDevice;

/** The CPU by name with the number of cores at our disposal: `CPU (AMD EPYC 9354, 2 cores)`. */
export function cpuName(): string {
  const model = cpus()[0]?.model.replace(/\s+/g, " ").trim() || "unknown CPU";
  const cores = availableParallelism();
  return `CPU (${model}, ${cores} ${cores === 1 ? "core" : "cores"})`;
}

/** Whether the CPU has AMX bfloat16, from /proc/cpuinfo. */
export const hasMatrixUnits = (): boolean => processorBfloat16().hasUnits;

/** TensorFlow's device: the name of the GPU, else of the CPU. TensorFlow must be loaded. */
export function deviceName(env: Environment): string {
  return isGpu() ? (chosen(env)?.name ?? "GPU") : cpuName();
}

/** The GPU's compute capability (8 and above: bfloat16); undefined on a CPU. TensorFlow must be loaded. */
export function computeCapability(env: Environment): number | undefined {
  const capability = isGpu() ? chosen(env)?.capability : undefined;
  return capability === undefined ? undefined : Number(capability);
}

/** The first generation of NVIDIA GPUs that has TF32. */
const TF32_CAPABILITY = 8;

/** Whether float32 factors may be TF32: on a GPU with it, unless NVIDIA_TF32_OVERRIDE is 0. TensorFlow is loaded. */
export function mayUseTf32(env: Environment): boolean {
  const hasIt = isGpu() && (computeCapability(env) ?? TF32_CAPABILITY) >= TF32_CAPABILITY;
  return hasIt && env.NVIDIA_TF32_OVERRIDE !== "0";
}

/** Most memory used so far on TensorFlow's GPU in megabytes (2^20 bytes); none on a CPU. TensorFlow must be loaded. */
export function deviceMemory(env: Environment): number | undefined {
  if (!isGpu()) return undefined;
  return usedGpuMemory(env, chosen(env)?.uuid ?? visibleNames(env)?.[0] ?? "0");
}

/** Why a GPU that could be used is not. */
function unusedGpu({ name }: Gpu): string {
  const folder = nativeDirectory();
  const isCpuBuild = folder !== undefined && linkedRuntime(folder)?.kind === "cpu";
  return isCpuBuild
    ? `this machine has an ${name}, but TensorFlow's CPU build is installed. Install the GPU build: PEFD_RUNTIME=gpu pefd setup`
    : `this machine has an ${name}, but TensorFlow could not use it. For the reason, run: pefd doctor`;
}

/** Warning about the GPU in use: slow at first, or probably unsupported. */
function usedWarning(outlook: Outlook): string | undefined {
  if (outlook.state === "fits") return outlook.note && `${outlook.gpu.name}: ${outlook.note}.`;
  return outlook.state === "unfit" ? `${outlook.why}. ${outlook.hint}` : undefined;
}

/** A warning for a GPU unused without PEFD_RUNTIME=cpu, or one that should not be used. TensorFlow is loaded. */
export function deviceWarning(env: Environment): string | undefined {
  const outlook = gpuOutlook(knownGpus(env), env);
  if (isGpu()) return usedWarning(outlook);
  if (env.PEFD_RUNTIME === "cpu" || outlook.state === "none") return undefined;
  const { state } = outlook;
  const what = state === "fits" ? unusedGpu(outlook.gpu) : `${outlook.why}. ${outlook.hint}`;
  return `THE GPU IS NOT USED: ${what.replace(/\.$/, "")}. Running on the CPU, many times slower.`;
}
