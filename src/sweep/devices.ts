import { nameOf } from "../runtime/gpu/choose.js";
import { judgeGpu } from "../runtime/gpu/requirements.js";
import { surveyGpus } from "../runtime/gpu/survey.js";

/** The GPUs to spread runs over, as CUDA_VISIBLE_DEVICES names them: visible and usable; none for PEFD_RUNTIME=cpu. */
export function gpuNames(env: Readonly<Record<string, string | undefined>>): string[] {
  if (env.PEFD_RUNTIME === "cpu") return [];
  const { gpus, cuda } = surveyGpus(env);
  return gpus.flatMap((gpu, place) => (judgeGpu(gpu, cuda).fits ? [nameOf(env, place)] : []));
}

/** A notice of idle usable GPUs, if any; `runs` is the number that name no GPU, `jobs` how many run at a time. */
export function idleGpusNotice(runs: number, jobs: number, gpus: number): string | undefined {
  const useful = Math.min(runs, gpus);
  if (useful <= jobs) return undefined;
  return `${jobs} of ${gpus} GPUs ${jobs === 1 ? "is" : "are"} used: --jobs ${useful} uses all.`;
}
