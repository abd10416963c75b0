import type { GpuIdentity } from "./gpu/identity.js";
import type { Environment } from "./gpu/types.js";

/** What the native library's environment depends on. */
export interface NativeSettings {
  /** The process's environment: what the user has set is kept. */
  readonly env: Environment;
  /** Folder where TensorFlow keeps compiled XLA programs; undefined: nowhere. */
  readonly programCache: string | undefined;
  /** Folder that holds bin/ptxas and nvvm/libdevice; undefined where no GPU runtime is installed. */
  readonly cudaDirectory: string | undefined;
  /** Processors that this process may use: os.availableParallelism(). */
  readonly processors: number;
  /** The GPU that is computed on; undefined where there is none. */
  readonly gpu?: GpuIdentity | undefined;
  /** Whether a GPU's float32 is to be float32 proper: left alone it rounds factors to TF32's 11 digits. */
  readonly exactFloat32?: boolean;
  /** Whether a GPU is to sum in the same order every time. */
  readonly deterministic?: boolean;
}

/**
 * Up to so many processors ops run one after the other, each on all of them: two at once would only push each other out
 * of the caches (docs/performance.md; more processors than these have not been measured).
 */
const FEW_PROCESSORS = 2;

/** Kinds of device whose compiled programs are kept. */
const CACHED_DEVICES = "CPU,XLA_CPU_JIT,GPU,XLA_GPU_JIT";

/** A value as TensorFlow's flag parser takes it: quoted where it holds blanks. */
const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value);

/** The flags a user has set, with ours added where the user has not set the same one. */
function withFlags(
  existing: string | undefined,
  flags: readonly (readonly [name: string, value: string])[],
): string {
  const set = existing?.trim() ?? "";
  const added = flags
    .filter(([name]) => !set.includes(`${name}=`))
    .map(([name, value]) => `${name}=${quoted(value)}`);
  return [set, ...added].filter((part) => part !== "").join(" ");
}

type Flags = [name: string, value: string][];

/** TF32 is off in cuBLAS and cuDNN by NVIDIA's own switch, and XLA leaves its products to them. */
const EXACT_FLOAT32 = {
  variables: { NVIDIA_TF32_OVERRIDE: "0" },
  flags: [["--xla_gpu_enable_triton_gemm", "false"]] as Flags,
};

/** Algorithms whose order of sums varies are left out, by TensorFlow and by XLA. */
const DETERMINISTIC = {
  variables: { TF_DETERMINISTIC_OPS: "1" },
  flags: [["--xla_gpu_deterministic_ops", "true"]] as Flags,
};

/** What is asked of a GPU's arithmetic. */
const arithmetic = ({ gpu, exactFloat32, deterministic }: NativeSettings) =>
  gpu === undefined
    ? []
    : [...(exactFloat32 ? [EXACT_FLOAT32] : []), ...(deterministic ? [DETERMINISTIC] : [])];

/**
 * The environment variables that TensorFlow and XLA read when they are loaded: memory of a GPU is taken
 * as needed, their log is off (what fails a call is in its error), a processor's convolutions are oneDNN's on every machine (by itself TensorFlow
 * takes them on some processors only; docs/adr/0006) and its graphs are run as we write them (native/binding/session_options.h), XLA finds the CUDA tools of the wheels and keeps compiled programs.
 * @returns only what has to be set, the user's own settings kept; to be assigned before TensorFlow is loaded
 */
export function nativeEnvironment(settings: NativeSettings): Record<string, string> {
  const { env, programCache, cudaDirectory, processors } = settings;
  const variables: Record<string, string> = {
    TF_FORCE_GPU_ALLOW_GROWTH: env.TF_FORCE_GPU_ALLOW_GROWTH ?? "true",
    TF_CPP_MIN_LOG_LEVEL: env.TF_CPP_MIN_LOG_LEVEL ?? "3",
    TF_ENABLE_ONEDNN_OPTS: env.TF_ENABLE_ONEDNN_OPTS ?? "1",
  };
  if (cudaDirectory === undefined) {
    variables.TF_PEFD_GRAPH_OPTIMIZER = env.TF_PEFD_GRAPH_OPTIMIZER ?? "off";
  }
  if (cudaDirectory === undefined && processors <= FEW_PROCESSORS) {
    variables.TF_NUM_INTEROP_THREADS = env.TF_NUM_INTEROP_THREADS ?? "1";
  }
  if (cudaDirectory !== undefined) {
    const asked = arithmetic(settings);
    const flags = asked.flatMap((part) => part.flags);
    variables.XLA_FLAGS = withFlags(env.XLA_FLAGS, [
      ["--xla_gpu_cuda_data_dir", cudaDirectory],
      ...flags,
    ]);
    for (const [name, value] of asked.flatMap((part) => Object.entries(part.variables))) {
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
