import { nameOf } from "../runtime/gpu/choose.js";
import { judgeGpu } from "../runtime/gpu/requirements.js";
import { surveyGpus } from "../runtime/gpu/survey.js";

/**
 * The GPUs to spread runs over, as CUDA_VISIBLE_DEVICES names them: of those that it leaves visible, the ones that can
 * be computed on. None where PEFD_RUNTIME=cpu leaves GPUs alone.
 */
export function gpuNames(env: Readonly<Record<string, string | undefined>>): string[] {
  if (env.PEFD_RUNTIME === "cpu") return [];
  const { gpus, cuda } = surveyGpus(env);
  return gpus.flatMap((gpu, place) => (judgeGpu(gpu, cuda).fits ? [nameOf(env, place)] : []));
}

/**
 * A line for a sweep that leaves GPUs idle which it could use; undefined where it does not.
 * @param runs how many there are that name no GPU themselves
 * @param jobs how many of them run at a time
 */
export function idleGpusNotice(runs: number, jobs: number, gpus: number): string | undefined {
  const useful = Math.min(runs, gpus);
  if (useful <= jobs) return undefined;
  return `${jobs} of ${gpus} GPUs ${jobs === 1 ? "is" : "are"} used: --jobs ${useful} uses all.`;
}
