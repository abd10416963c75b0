import { nativeBackend } from "./native.js";
import { ownInstructions, ownModule } from "./ownModule.js";
import { nameOfReduced, type ReducedProducts } from "./reducedProducts.js";

/** Whether our own ops (src/native) are there and made for the device in use: a processor, not a GPU. */
export const ownOpsServe = (): boolean =>
  ownInstructions() !== undefined && !nativeBackend().isUsingGpuDevice;

/**
 * The kernels that compute, by name: ours by their instructions and what makes products of 16 bits ("avx512", "avx512
 * VNNI"), TensorFlow's ("tensorflow"), or a GPU's ("cudnn"). TensorFlow must be loaded.
 */
export function kernelSet(): string {
  if (nativeBackend().isUsingGpuDevice) return "cudnn";
  const { instructions = "tensorflow", reduced } = ownModule();
  return [instructions, nameOfReduced(reduced)].filter(Boolean).join(" ");
}

/** What our own convolutions have for bfloat16 that is faster than float32; undefined where there is nothing. */
export const ownReducedProducts = (): ReducedProducts | undefined =>
  ownOpsServe() ? ownModule().reduced : undefined;

/** Whether images may lie in bfloat16 from one of our ops to the next. */
export const ownNarrowImages = (): boolean => ownOpsServe() && ownModule().narrowImages;
