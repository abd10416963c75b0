import { createHash } from "node:crypto";
import { type Dirent, existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { availableParallelism, cpus, homedir } from "node:os";
import { join } from "node:path";
import { cacheDirectory } from "../common/cachePaths.js";
import { chooseGpu } from "./gpu/choose.js";
import { refuseBusyGpu } from "./gpu/memory.js";
import { type GpuIdentity, type GpuSurvey, gpuIdentity, rememberGpus, surveyGpus } from "./gpu/survey.js";
import type { Environment } from "./gpu/types.js";
import { nativeDirectory } from "./nativeFolder.js";
import { cudaDirectory, kernelCache, programCache } from "./paths.js";
import { keepProgramsIn, MEMORY_FOLDER } from "./programs/folder.js";
import { WHEELS } from "./setup/wheels.js";

/** Variables that TensorFlow, XLA and CUDA's libraries compile by. */
const DECISIVE = /^(XLA_|TF_(XLA|CUDNN|CUBLAS|DETERMINISTIC|DISABLE|ENABLE|USE)_|NVIDIA_TF32|CUDA_FORCE)/;

/** Flags that say where something lies or what is written down; programs are the same with and without. */
const PLACES = /--xla_(dump_\S*|gpu_cuda_data_dir=("[^"]*"|\S*))\s*/g;

const decisive = (env: Environment): [string, string][] =>
  Object.entries(env)
    .filter(([name, value]) => DECISIVE.test(name) && value)
    .map(([name, value]): [string, string] => [name, (value ?? "").replace(PLACES, "").trim()])
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** The CPU by its name and instruction sets: XLA compiles for what it finds. */
function cpuIdentity(): string[] {
  const file = "/proc/cpuinfo";
  const flags = existsSync(file) ? readFileSync(file, "utf8").match(/^flags\s*:.*$/m)?.[0] : "";
  return [cpus()[0]?.model ?? "", flags ?? ""];
}

/** A device's name as a part of a folder's. */
const worded = (name: string): string => name.replaceAll(/[^A-Za-z0-9]+/g, "-").slice(0, 40);

/** A folder's name for what compiled programs depend on: GPU, driver and cuDNN, or CPU; libraries; flags in `env`. */
export function programsIdentity(gpu: GpuIdentity | undefined, env: Environment): string {
  const device = gpu === undefined ? cpuIdentity() : gpu;
  const libraries = WHEELS[gpu === undefined ? "cpu" : "gpu"].map(({ sha256 }) => sha256);
  const all = JSON.stringify([device, libraries, decisive(env)]);
  const hash = createHash("sha256").update(all).digest("hex").slice(0, 16);
  return `${worded(gpu?.name ?? "processor")}-${hash}`;
}

/** Bytes of compiled programs that are kept; one takes 1 to 10 MB. */
const PROGRAMS_BYTES = 1e9;

/** Files that are not finished after so long belong to processes that were killed. */
const UNFINISHED_MS = 3.6e6;

interface KeptFile {
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly used: number;
  /** A killed process left it, or an earlier version, which did not say what its programs depend on. */
  readonly isLeft: boolean;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // Nothing was compiled yet.
  }
}

function fileOf(path: string, isLeft: (used: number) => boolean): KeptFile[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  return [{ path, bytes: stats.size, used: stats.mtimeMs, isLeft: isLeft(stats.mtimeMs) }];
}

function filesOf(root: string): KeptFile[] {
  const isOld = (used: number): boolean => Date.now() - used > UNFINISHED_MS;
  return entriesOf(root).flatMap(({ name }) => {
    const path = join(root, name);
    if (name.startsWith("xla_compile_cache__")) return fileOf(path, () => true);
    return entriesOf(path).flatMap((entry) => {
      if (entry.name.endsWith(".pefd-tmp")) return fileOf(join(path, entry.name), isOld);
      return entry.name.endsWith(".xla") ? fileOf(join(path, entry.name), () => false) : [];
    });
  });
}

/** Files that another process removes meanwhile, or that may not be removed, are passed over. */
function tryRemove(remove: () => void): void {
  try {
    remove();
  } catch {
    // It still serves, or is in use.
  }
}

/** Trims all folders of compiled programs below `root` to `limit` bytes in total, the least recently used first. */
export function trimPrograms(root: string, limit: number = PROGRAMS_BYTES): void {
  const newestFirst = filesOf(root).sort((a, b) => b.used - a.used);
  let kept = 0;
  for (const { path, bytes, isLeft } of newestFirst) {
    kept += isLeft ? 0 : bytes;
    if (isLeft || kept > limit) tryRemove(() => rmSync(path, { force: true }));
  }
  for (const entry of entriesOf(root)) if (entry.isDirectory()) tryRemove(() => rmdirSync(join(root, entry.name)));
}

interface NativeSettings {
  /** The process's environment: what the user has set is kept. */
  readonly env: Environment;
  /** Folder where TensorFlow keeps compiled XLA programs; undefined: nowhere. */
  readonly programCache: string | undefined;
  /** Folder where the GPU's driver keeps kernels that it compiled; undefined: its own. */
  readonly kernelCache?: string | undefined;
  /** Folder that holds bin/ptxas and nvvm/libdevice; undefined where no GPU runtime is installed. */
  readonly cudaDirectory: string | undefined;
  /** CPUs that this process may use: os.availableParallelism(). */
  readonly processors: number;
  /** The GPU that is computed on; undefined where there is none. */
  readonly gpu?: GpuIdentity | undefined;
  /** Whether a GPU's float32 is to be float32 proper: otherwise it rounds factors to TF32's 11 digits. */
  readonly exactFloat32?: boolean;
  /** Whether a GPU is to sum in the same order every time. */
  readonly deterministic?: boolean;
}

/** Up to so many CPUs ops run one after the other: two at once evict each other's caches (docs/performance.md). */
const FEW_PROCESSORS = 2;

/** Kinds of device whose compiled programs are kept. */
const CACHED_DEVICES = "CPU,XLA_CPU_JIT,GPU,XLA_GPU_JIT";

/** A value as TensorFlow's flag parser takes it: quoted where it holds blanks. */
const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value);

/** The flags a user has set, with ours added where the user has not set the same one. */
function withFlags(existing: string | undefined, flags: readonly (readonly [name: string, value: string])[]): string {
  const set = existing?.trim() ?? "";
  const added = flags.filter(([name]) => !set.includes(`${name}=`)).map(([name, value]) => `${name}=${quoted(value)}`);
  return [set, ...added].filter((part) => part !== "").join(" ");
}

/** The driver's most, 4 GiB: TensorFlow's kernels for a GPU that it has no machine code for exceed its usual 1 GB. */
const KERNEL_BYTES = "4294967296";

type Flags = [name: string, value: string][];

/** TF32 is off in cuBLAS and cuDNN by NVIDIA's own switch, and XLA leaves its products to them. */
const EXACT_FLOAT32 = {
  variables: { NVIDIA_TF32_OVERRIDE: "0" },
  flags: [["--xla_gpu_enable_triton_gemm", "false"]] as Flags,
};

/** Algorithms whose reduction order varies are excluded, by TensorFlow and by XLA. */
const DETERMINISTIC = {
  variables: { TF_DETERMINISTIC_OPS: "1" },
  flags: [["--xla_gpu_deterministic_ops", "true"]] as Flags,
};

const arithmetic = ({ gpu, exactFloat32, deterministic }: NativeSettings) =>
  gpu === undefined ? [] : [...(exactFloat32 ? [EXACT_FLOAT32] : []), ...(deterministic ? [DETERMINISTIC] : [])];

/** Variables that TensorFlow and XLA read when loaded: GPU memory, log, oneDNN (docs/adr/0006), kept programs. */
export function nativeEnvironment(settings: NativeSettings): Record<string, string> {
  const { env, programCache, cudaDirectory, processors } = settings;
  const variables: Record<string, string> = {
    TF_FORCE_GPU_ALLOW_GROWTH: env.TF_FORCE_GPU_ALLOW_GROWTH ?? "true",
    TF_CPP_MIN_LOG_LEVEL: env.TF_CPP_MIN_LOG_LEVEL ?? "3",
    TF_ENABLE_ONEDNN_OPTS: env.TF_ENABLE_ONEDNN_OPTS ?? "1",
  };
  if (cudaDirectory === undefined) variables.TF_PEFD_GRAPH_OPTIMIZER = env.TF_PEFD_GRAPH_OPTIMIZER ?? "off";
  if (cudaDirectory === undefined && processors <= FEW_PROCESSORS) {
    variables.TF_NUM_INTEROP_THREADS = env.TF_NUM_INTEROP_THREADS ?? "1";
  }
  if (cudaDirectory !== undefined) {
    const asked = arithmetic(settings);
    const flags = asked.flatMap((part) => part.flags);
    variables.XLA_FLAGS = withFlags(env.XLA_FLAGS, [["--xla_gpu_cuda_data_dir", cudaDirectory], ...flags]);
    const kept = { CUDA_CACHE_PATH: settings.kernelCache, CUDA_CACHE_MAXSIZE: KERNEL_BYTES };
    const compiled = settings.kernelCache === undefined ? [] : (Object.entries(kept) as [string, string][]);
    for (const [name, value] of [...asked.flatMap((part) => Object.entries(part.variables)), ...compiled]) {
      variables[name] = env[name] ?? value;
    }
  }
  if (programCache !== undefined) {
    variables.TF_XLA_FLAGS = withFlags(env.TF_XLA_FLAGS, [
      ["--tf_xla_persistent_cache_directory", programCache],
      ["--tf_xla_persistent_cache_device_types", CACHED_DEVICES],
    ]);
  }
  return variables;
}

export interface NativeNeeds {
  /** The process's environment (process.env): what the library reads is written into it. */
  readonly env: Environment;
  /** Which of the visible GPUs; the first by default. */
  readonly gpu?: number | undefined;
  /** Whether compiled programs are kept between runs. */
  readonly keepPrograms?: boolean;
  /** Whether float32 on a GPU has to be float32 proper, without TF32. */
  readonly exactFloat32?: boolean;
  /** Whether a GPU is to give the same bytes every time. */
  readonly deterministic?: boolean;
}

/** Where compiled programs are kept: by all that they depend on, unless the user has TensorFlow keep them elsewhere. */
function openPrograms(gpu: GpuIdentity | undefined, env: Environment): void {
  const isOurs = env.TF_XLA_FLAGS?.includes(MEMORY_FOLDER) === true;
  const root = programCache(cacheDirectory(env, homedir()));
  if (isOurs) trimPrograms(root);
  keepProgramsIn(isOurs ? join(root, programsIdentity(gpu, env)) : undefined);
}

/** GPU visibility: all, or only the chosen GPU. */
type Device = { readonly survey: GpuSurvey; readonly variables: Readonly<Record<string, string>> };

/** PEFD_RUNTIME=cpu disables the GPU, whichever build of TensorFlow is installed; so does another cuDNN. */
const HIDDEN = { CUDA_VISIBLE_DEVICES: "-1" };

function chooseDevice(survey: GpuSurvey, env: Environment, number: number | undefined): Device {
  if (env.PEFD_RUNTIME === "cpu") {
    chooseGpu({ ...survey, gpus: [] }, env, number);
    return { survey: { ...survey, gpus: [] }, variables: HIDDEN };
  }
  if (survey.foreign !== undefined) return { survey, variables: HIDDEN };
  const isSilent = !survey.answered && survey.problem !== undefined;
  if (isSilent && number === undefined) return { survey, variables: {} };
  const chosen = chooseGpu(survey, env, number);
  return chosen === undefined
    ? { survey, variables: {} }
    : { survey: { ...survey, gpus: [chosen.gpu] }, variables: chosen.variables };
}

/**
 * Decides what the native library finds in the process's environment, before it is loaded: one visible GPU, and what
 * TensorFlow, XLA and CUDA read; what the user has set is kept.
 * @throws inputError for a GPU that is not there, environmentError for one that is busy, full or broken
 */
export function prepareNative(needs: NativeNeeds): void {
  const { env, gpu, keepPrograms = true, exactFloat32 = false, deterministic = false } = needs;
  const { survey, variables } = chooseDevice(surveyGpus(env), env, gpu);
  rememberGpus(survey);
  const usesGpu = survey.answered && survey.gpus.length > 0 && variables !== HIDDEN;
  const settings = {
    env,
    programCache: keepPrograms ? MEMORY_FOLDER : undefined,
    kernelCache: keepPrograms ? kernelCache(cacheDirectory(env, homedir())) : undefined,
    cudaDirectory: cudaDirectory(nativeDirectory()),
    processors: availableParallelism(),
    gpu: gpuIdentity(survey),
    exactFloat32,
    deterministic,
  };
  Object.assign(env as Record<string, string>, variables, nativeEnvironment(settings));
  if (usesGpu && settings.cudaDirectory !== undefined) refuseBusyGpu(env);
  openPrograms(settings.gpu, env);
}
