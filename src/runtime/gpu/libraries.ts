import { existsSync } from "node:fs";
import { join } from "node:path";
import { type LibraryAnswer, openLibraries } from "./probeProgram.js";
import type { Environment } from "./types.js";

/**
 * What TensorFlow opens by name, from where TensorFlow looks: without one of the first seven it uses no GPU at all. The
 * parts of cuDNN are opened by its first convolution.
 */
export const GPU_LIBRARIES: readonly string[] = [
  "libcudart.so.12",
  "libcublas.so.12",
  "libcublasLt.so.12",
  "libcufft.so.11",
  "libcusolver.so.11",
  "libcusparse.so.12",
  "libcudnn.so.9",
  ...["graph", "ops", "cnn", "heuristic", "engines_precompiled", "engines_runtime_compiled"].map(
    (part) => `libcudnn_${part}.so.9`,
  ),
];

/** What XLA runs and reads to compile for a GPU, as paths in the runtime's folder. */
const TOOLS = ["nvidia/cuda_nvcc/bin/ptxas", "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc"];

/** One of cuDNN's parts needs the driver, which a machine that is only set up may lack. */
const DRIVER_MISSING = /^libcuda\.so\.1: /;

/** What serves a GPU. */
export interface GpuLibraries {
  /** Each library with the file that serves. */
  readonly libraries: readonly LibraryAnswer[];
  /** What is not there or does not open, each once, as the loader names it; empty where all is well. */
  readonly missing: readonly string[];
}

/**
 * Opens every library that computing on a GPU takes, as TensorFlow opens it, in a process of its own. Needs no GPU.
 * @param probe the compiled probe
 * @param tree the runtime's folder
 */
export function checkLibraries(env: Environment, probe: string, tree: string): GpuLibraries {
  const answer = openLibraries(env, probe, tree, GPU_LIBRARIES);
  const tools = TOOLS.map((path) => join(tree, path)).filter((file) => !existsSync(file));
  const missingTools = tools.map((file) => `${file}: is not there`);
  if (typeof answer === "string") return { libraries: [], missing: [answer, ...missingTools] };
  const errors = answer.flatMap(({ error }) => error ?? []);
  // Several may lack the same one.
  const reasons = new Set(errors.filter((error) => !DRIVER_MISSING.test(error)));
  return { libraries: answer, missing: [...reasons, ...missingTools] };
}
