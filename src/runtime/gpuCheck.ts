import type { Check } from "./check.js";
import type { Gpu } from "./nvidia.js";
import type { Probe } from "./probe.js";
import type { RuntimeKind } from "./wheels.js";

/** What there is to know about the GPU. */
export interface GpuSituation {
  /** What nvidia-smi reports, as far as CUDA_VISIBLE_DEVICES leaves it visible. */
  readonly gpus: readonly Gpu[];
  /** The runtime that is installed. */
  readonly kind: RuntimeKind | undefined;
  readonly probe: Probe;
  /** PEFD_RUNTIME */
  readonly requested: string | undefined;
}

/**
 * Whether a GPU is used, and why not: that there is none is fine, that there is one which is not used is
 * not, unless PEFD_RUNTIME=cpu asks for it.
 */
export function gpuCheck({ gpus, kind, probe, requested }: GpuSituation): Check {
  const check = { name: "gpu", title: "GPU", required: true } as const;
  const gpu = gpus[0];
  if (gpu === undefined) {
    return { ...check, ok: true, detail: "none (nvidia-smi reports no visible one)" };
  }
  const label = `${gpu.name}, compute capability ${gpu.computeCapability}, driver ${gpu.driver}`;
  if (probe.usesGpu) return { ...check, ok: true, detail: label };
  if (requested === "cpu")
    return { ...check, ok: true, detail: `${label}: left alone (PEFD_RUNTIME=cpu)` };
  const notUsed = { ...check, ok: false };
  if (kind === "cpu") {
    const detail = `NOT USED: ${label}; TensorFlow's CPU build is installed`;
    return { ...notUsed, detail, hint: "PEFD_RUNTIME=gpu npm run setup" };
  }
  const reason = probe.reason || "TensorFlow did not say why";
  const hint = "nvidia-smi shows the driver; it must be 525 or newer. Then: npm run setup";
  return { ...notUsed, detail: `NOT USED: ${label}; ${reason}`, hint };
}
