import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import type { GpuIdentity } from "../gpu/identity.js";
import type { Environment } from "../gpu/types.js";
import { WHEELS } from "../setup/wheels.js";

/** Variables that TensorFlow, XLA and CUDA's libraries compile by. */
const DECISIVE =
  /^(XLA_|TF_(XLA|CUDNN|CUBLAS|DETERMINISTIC|DISABLE|ENABLE|USE)_|NVIDIA_TF32|CUDA_FORCE)/;

/** Flags that say where something lies or what is written down; programs are the same with and without. */
const PLACES = /--xla_(dump_\S*|gpu_cuda_data_dir=("[^"]*"|\S*))\s*/g;

const decisive = (env: Environment): [string, string][] =>
  Object.entries(env)
    .filter(([name, value]) => DECISIVE.test(name) && value)
    .map(([name, value]): [string, string] => [name, (value ?? "").replace(PLACES, "").trim()])
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** The processor by its name and instruction sets: XLA compiles for what it finds. */
function processor(): string[] {
  const file = "/proc/cpuinfo";
  const flags = existsSync(file) ? readFileSync(file, "utf8").match(/^flags\s*:.*$/m)?.[0] : "";
  return [cpus()[0]?.model ?? "", flags ?? ""];
}

/** A device's name as a part of a folder's. */
const worded = (name: string): string => name.replaceAll(/[^A-Za-z0-9]+/g, "-").slice(0, 40);

/**
 * A folder's name for everything that compiled programs depend on besides themselves: GPU, compute capability, driver,
 * cuDNN, or the processor and its instruction sets; TensorFlow and its libraries; and the flags in the environment.
 * @param env as the native library will find it
 */
export function programsIdentity(gpu: GpuIdentity | undefined, env: Environment): string {
  const device = gpu === undefined ? processor() : gpu;
  const libraries = WHEELS[gpu === undefined ? "cpu" : "gpu"].map(({ sha256 }) => sha256);
  const all = JSON.stringify([device, libraries, decisive(env)]);
  const hash = createHash("sha256").update(all).digest("hex").slice(0, 16);
  return `${worded(gpu?.name ?? "processor")}-${hash}`;
}
