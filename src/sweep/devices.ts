import { listGpus } from "../runtime/nvidia.js";

/**
 * The GPUs to spread runs over, as CUDA_VISIBLE_DEVICES names them: those it leaves visible, else all that
 * nvidia-smi lists.
 */
export function gpuNames(env: Readonly<Record<string, string | undefined>>): string[] {
  const visible = env.CUDA_VISIBLE_DEVICES;
  if (visible === undefined) return listGpus(env).map((_, index) => String(index));
  return visible
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
