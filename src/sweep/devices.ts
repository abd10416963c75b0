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
