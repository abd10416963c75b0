import type { GpuSurvey } from "./survey.js";

/** What a program compiled for a GPU depends on, besides itself, TensorFlow and XLA's flags. */
export interface GpuIdentity {
  /** "NVIDIA H100 80GB HBM3" */
  readonly name: string;
  /** "9.0"; undefined where nobody tells. */
  readonly capability: string | undefined;
  /** "580.82.07" */
  readonly driver: string | undefined;
  /** "9.28.0" */
  readonly cudnn: string | undefined;
}

/**
 * The identity of the GPU that TensorFlow will compute on, known before it is loaded: the first that the environment
 * leaves visible.
 * @returns undefined where there is none: a processor
 */
export function gpuIdentity({ gpus, cudnn }: GpuSurvey): GpuIdentity | undefined {
  const [gpu] = gpus;
  if (gpu === undefined) return undefined;
  const { name, capability, driver } = gpu;
  return { name, capability, driver, cudnn };
}
