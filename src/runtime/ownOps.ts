import { hasMatrixUnits } from "./device.js";
import { nativeBackend } from "./native.js";
import { ownInstructions, ownModule, type ReducedProducts } from "./ownModule.js";

/** Whether our own ops (src/native) are there and made for the device in use: a CPU, not a GPU. */
export const ownOpsServe = (): boolean => ownInstructions() !== undefined && !nativeBackend().isUsingGpuDevice;

/** Reduced-precision instructions of our convolutions; undefined if none is faster than float32. */
export const ownReducedProducts = (): ReducedProducts | undefined => (ownOpsServe() ? ownModule().reduced : undefined);

/** Whether images may lie in bfloat16 from one of our ops to the next. */
export const ownBfloat16Activations = (): boolean => ownOpsServe() && ownModule().bfloat16Activations;

/** Which convolutions compute in bfloat16: ours, by what the CPU has, or TensorFlow's. */
function bfloat16Set(): string[] {
  const reduced = ownReducedProducts();
  if (reduced !== undefined) return [reduced.name, ...(ownBfloat16Activations() ? ["narrow"] : [])];
  return hasMatrixUnits() ? ["onednn"] : [];
}

/** The kernel set that decides bits, such as "own-vnni-narrow" (docs/adr/0007). @returns undefined on GPUs and in XLA */
export function kernelSet({ engine, precision }: { engine: string; precision: string }): string | undefined {
  if (nativeBackend().isUsingGpuDevice || engine === "xla") return undefined;
  const own = ownOpsServe() ? "own" : "tensorflow";
  return [own, ...(precision === "bfloat16" ? bfloat16Set() : [])].join("-");
}
