import { readdirSync } from "node:fs";
import { delimiter } from "node:path";

/** GPUs as PRETENDED_GPUS takes them, one a line: name, compute capability, driver, memory in MB. */
export const GPUS = {
  h100: "NVIDIA H100 80GB HBM3, 9.0, 580.82.07, 81559",
  rtx4090: "NVIDIA GeForce RTX 4090, 8.9, 580.82.07, 24564",
  t4: "Tesla T4, 7.5, 580.82.07, 15360",
} as const;

/** How a machine differs from one with an H100 where all is well. */
export interface Pretence {
  readonly gpus?: readonly string[];
  /** What ails nvidia-smi (nvidiaSmi.ts); null: there is none. */
  readonly smi?: "fails" | "old" | "hangs" | "no-library" | null;
  /** An error of cuInit. */
  readonly cuInit?: number;
  /** Libraries that the machine lacks, or that are TensorFlow's own instead of pretended ones. */
  readonly without?: readonly string[];
  /** Calls of the driver that fail (fake/machine.h). */
  readonly fault?: string;
  /** What other processes hold of the memory: megabytes in all, and lines as nvidia-smi prints them. */
  readonly taken?: { readonly megabytes: number; readonly holders?: string };
  /** More environment variables; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** XLA times nothing here: it would try variants on a GPU that does not compute. */
const XLA_FLAGS = "--xla_gpu_autotune_level=0";

/** Variables that decide what pefd or TensorFlow does with a GPU; those of the tests' own process do not count. */
const DECISIVE = [
  "CUDA_VISIBLE_DEVICES",
  "CUDA_DEVICE_ORDER",
  "NVIDIA_TF32_OVERRIDE",
  "PEFD_RUNTIME",
  "TF_CPP_MIN_LOG_LEVEL",
  "TF_ENABLE_ONEDNN_OPTS",
  "TF_FORCE_GPU_ALLOW_GROWTH",
  "TF_NUM_INTEROP_THREADS",
  "TF_PEFD_GRAPH_OPTIMIZER",
  "TF_XLA_FLAGS",
  "XLA_FLAGS",
];

function hasSmi(folder: string): boolean {
  try {
    return readdirSync(folder).includes("nvidia-smi");
  } catch {
    return false;
  }
}

/** PATH with the pretended nvidia-smi first, or without any. */
function searchPath(smi: Pretence["smi"], programs: string): string {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const chosen = smi === null ? folders.filter((folder) => !hasSmi(folder)) : [programs, ...folders];
  return chosen.join(delimiter);
}

/** Where the parts of a pretended machine lie. */
export interface Places {
  /** The folder of the pretended libraries. */
  readonly libraries: string;
  /** The folder of the pretended nvidia-smi. */
  readonly programs: string;
  /** pefd's cache. */
  readonly cache: string;
}

/** The environment of a process on a pretended machine. */
export function environmentOf(
  { gpus = [GPUS.h100], smi, cuInit, fault, taken, env = {} }: Pretence,
  { libraries, programs, cache }: Places,
): Record<string, string> {
  const variables: Record<string, string | undefined> = {
    ...process.env,
    ...Object.fromEntries(DECISIVE.map((name) => [name, undefined])),
    NO_COLOR: "1",
    LD_LIBRARY_PATH: libraries,
    PATH: searchPath(smi, programs),
    PEFD_CACHE: cache,
    PRETENDED_GPUS: gpus.join("\n"),
    PRETENDED_SMI: smi ?? undefined,
    PRETENDED_CUINIT: cuInit?.toString(),
    PRETENDED_FAULT: fault,
    PRETENDED_TAKEN: taken?.megabytes.toString(),
    PRETENDED_HOLDERS: taken?.holders,
    XLA_FLAGS,
    ...env,
  };
  const set = Object.entries(variables).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as Record<string, string>;
}
