import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { nativeDirectory } from "../nativeFolder.js";
import { dependencies, gpuProbeFile } from "../paths.js";
import type { Environment } from "./types.js";

/** Libraries that TensorFlow dlopens: it uses no GPU without the first seven; its first convolution opens the rest. */
const GPU_LIBRARIES: readonly string[] = [
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

/** Programs and files that XLA needs to compile for a GPU, as paths in the runtime folder. */
const TOOLS = ["nvidia/cuda_nvcc/bin/ptxas", "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc"];

/** One of cuDNN's parts needs the driver, which a machine that is only set up may lack. */
const DRIVER_MISSING = /^libcuda\.so\.1: /;

export interface GpuLibraries {
  /** Each library with the file that serves. */
  readonly libraries: readonly LibraryAnswer[];
  /** Libraries that are missing or do not load, by the loader's names; empty if all load. */
  readonly missing: readonly string[];
}

/** Opens every library for a GPU as TensorFlow does, in a process of its own. @param tree the runtime's folder */
export function checkLibraries(env: Environment, probe: string, tree: string): GpuLibraries {
  const answer = openLibraries(env, probe, tree, GPU_LIBRARIES);
  const tools = TOOLS.map((path) => join(tree, path)).filter((file) => !existsSync(file));
  const missingTools = tools.map((file) => `${file}: is missing`);
  if (typeof answer === "string") return { libraries: [], missing: [answer, ...missingTools] };
  const errors = answer.flatMap(({ error }) => error ?? []);
  // Several may lack the same one.
  const reasons = new Set(errors.filter((error) => !DRIVER_MISSING.test(error)));
  return { libraries: answer, missing: [...reasons, ...missingTools] };
}

export interface CudaDevice {
  readonly name: string;
  /** "9.0" */
  readonly capability: string;
  /** Bytes. */
  readonly memory: number;
  readonly uuid: string;
  readonly bus: string;
}

export interface CudaAnswer {
  /** The file of libcuda that answered; undefined where there is none. */
  readonly library?: string;
  /** The CUDA version that the driver knows, 12050 for 12.5. */
  readonly cuda?: number;
  /** The GPUs that CUDA_VISIBLE_DEVICES leaves visible, in CUDA's order. */
  readonly devices?: readonly CudaDevice[];
  /** Why there are no devices. */
  readonly error?: string;
  /** The driver's own number for it. */
  readonly code?: number;
  /** Version of cuDNN that TensorFlow will find, 92800 for 9.28.0. */
  readonly cudnn?: number;
  readonly cudnnFile?: string;
}

/** Memory of the first visible GPU in bytes, or the driver's error with its number. */
export interface MemoryAnswer {
  readonly free?: number;
  readonly total?: number;
  readonly error?: string;
  readonly code?: number;
}

export interface LibraryAnswer {
  readonly name: string;
  /** The file that serves. */
  readonly file?: string;
  /** Of those libraries that tell. */
  readonly version?: number;
  /** The loader's error. */
  readonly error?: string;
}

/** The driver starts a sleeping GPU, which takes seconds; one that hangs counts as broken. */
const TIMEOUT_MILLISECONDS = 60_000;

/** The loader's search as TensorFlow has it for cuDNN: what the user set, then the runtime's own. */
function searchPath(env: Environment, nativeFolder: string): string {
  const own = join(dependencies(nativeFolder), "nvidia/cudnn/lib");
  return [env.LD_LIBRARY_PATH, own].filter(Boolean).join(delimiter);
}

/** The probe's output, however it exited. */
interface Said {
  /** One document a line. */
  readonly lines: readonly unknown[];
  /** Why it did not come to its end. */
  readonly problem?: string;
}

function run(file: string, words: readonly string[], env: Environment): Said {
  const { status, stdout, signal, error } = spawnSync(file, words, {
    env,
    encoding: "utf8",
    timeout: TIMEOUT_MILLISECONDS,
    killSignal: "SIGKILL",
  });
  const whole = (stdout ?? "").split("\n").slice(0, -1); // the last one ends the last line, or is half a line
  const lines = whole.map((line) => JSON.parse(line) as unknown);
  if (status === 0) return { lines };
  const problem =
    signal === null
      ? `the probe of the GPU failed (${error?.message ?? `exit code ${status}`})`
      : `a library crashed or did not answer (${signal})`;
  return { lines, problem };
}

/** The visible GPUs by the CUDA driver, asked in a process of its own; undefined where its probe is not compiled. */
export function askCuda(env: Environment, probe?: string): CudaAnswer | undefined {
  const nativeFolder = nativeDirectory();
  const file = probe ?? (nativeFolder && gpuProbeFile(nativeFolder));
  if (nativeFolder === undefined || file === undefined || !existsSync(file)) return undefined;
  const LD_LIBRARY_PATH = searchPath(env, nativeFolder);
  const { lines, problem } = run(file, ["devices"], { ...env, LD_LIBRARY_PATH });
  const answer = Object.assign({}, ...lines) as CudaAnswer;
  return lines.length === 0 ? { error: problem ?? "no answer" } : answer;
}

/** Free memory by the CUDA driver, asked in a process of its own; undefined where its probe is not compiled. */
export function askMemory(env: Environment): MemoryAnswer | undefined {
  const nativeFolder = nativeDirectory();
  if (nativeFolder === undefined || !existsSync(gpuProbeFile(nativeFolder))) return undefined;
  const { lines, problem } = run(gpuProbeFile(nativeFolder), ["memory"], env);
  return (lines[0] as MemoryAnswer | undefined) ?? { error: problem ?? "no answer" };
}

/** Opens libraries as TensorFlow does, in a process of its own. @returns an answer for each, or why there is none */
export function openLibraries(
  env: Environment,
  file: string,
  tree: string,
  names: readonly string[],
): readonly LibraryAnswer[] | string {
  const words = ["libraries", join(tree, "lib/libtensorflow_cc.so.2"), ...names];
  const { lines, problem } = run(file, words, env);
  const answers = lines as Partial<LibraryAnswer>[];
  const failure = answers.find(({ name }) => name === undefined)?.error;
  if (failure !== undefined) return failure;
  return names.map((name) => {
    const said = answers.filter((answer) => answer.name === name);
    const silence = { name, error: problem ?? "no answer" };
    return said.length === 0 ? silence : (Object.assign({}, ...said) as LibraryAnswer);
  });
}
