import { availableParallelism, homedir } from "node:os";
import { join } from "node:path";
import { cacheDirectory } from "../common/cachePaths.js";
import { nativeEnvironment } from "./environment.js";
import { chooseGpu } from "./gpu/choose.js";
import { type GpuIdentity, gpuIdentity } from "./gpu/identity.js";
import { rememberGpus } from "./gpu/known.js";
import { type GpuSurvey, surveyGpus } from "./gpu/survey.js";
import type { Environment } from "./gpu/types.js";
import { nativeDirectory } from "./nativeFolder.js";
import { cudaDirectory, programCache } from "./paths.js";
import { keepProgramsIn, MEMORY_FOLDER } from "./programs/folder.js";
import { programsIdentity } from "./programs/identity.js";
import { trimPrograms } from "./programs/trim.js";

/** What a command asks of the native library before it is loaded. */
export interface NativeNeeds {
  /** The process's environment (process.env): what the library reads is written into it. */
  readonly env: Environment;
  /** Which of the visible GPUs; the first where left out. */
  readonly gpu?: number | undefined;
  /** Whether compiled programs are kept between runs. */
  readonly keepPrograms?: boolean;
  /** Whether float32 on a GPU has to be float32 proper, without TF32. */
  readonly exactFloat32?: boolean;
  /** Whether a GPU is to give the same bytes every time. */
  readonly deterministic?: boolean;
}

/**
 * Says where compiled programs are kept: in a folder for all that they depend on, unless the user has TensorFlow itself
 * keep them elsewhere.
 * @param env as the native library will find it
 */
function openPrograms(gpu: GpuIdentity | undefined, env: Environment): void {
  const isOurs = env.TF_XLA_FLAGS?.includes(MEMORY_FOLDER) === true;
  const root = programCache(cacheDirectory(env, homedir()));
  if (isOurs) trimPrograms(root);
  keepProgramsIn(isOurs ? join(root, programsIdentity(gpu, env)) : undefined);
}

/** What a process sees: everything as it is, or nothing but the one GPU that was chosen. */
interface Device {
  readonly survey: GpuSurvey;
  readonly variables: Readonly<Record<string, string>>;
}

/** PEFD_RUNTIME=cpu leaves the GPU alone, whichever build of TensorFlow is installed. */
const HIDDEN = { CUDA_VISIBLE_DEVICES: "-1" };

function chooseDevice(survey: GpuSurvey, env: Environment, number: number | undefined): Device {
  if (env.PEFD_RUNTIME === "cpu") {
    chooseGpu({ ...survey, gpus: [] }, env, number);
    return { survey: { ...survey, gpus: [] }, variables: HIDDEN };
  }
  const isSilent = !survey.answered && survey.problem !== undefined;
  if (isSilent && number === undefined) return { survey, variables: {} };
  const chosen = chooseGpu(survey, env, number);
  return chosen === undefined
    ? { survey, variables: {} }
    : { survey: { ...survey, gpus: [chosen.gpu] }, variables: chosen.variables };
}

/**
 * The one place that decides what the native library finds in the process's environment: chooses the GPU, so that
 * exactly one is visible, and sets what TensorFlow, XLA and CUDA read when they are loaded. What the user has set is
 * kept. Must come before the library is loaded.
 * @throws inputError for a GPU that is not there
 */
export function prepareNative(needs: NativeNeeds): void {
  const { env, gpu, keepPrograms = true, exactFloat32 = false, deterministic = false } = needs;
  const { survey, variables } = chooseDevice(surveyGpus(env), env, gpu);
  rememberGpus(survey);
  const settings = {
    env,
    programCache: keepPrograms ? MEMORY_FOLDER : undefined,
    cudaDirectory: cudaDirectory(nativeDirectory()),
    processors: availableParallelism(),
    gpu: gpuIdentity(survey),
    exactFloat32,
    deterministic,
  };
  Object.assign(env as Record<string, string>, variables, nativeEnvironment(settings));
  openPrograms(settings.gpu, env);
}
