import { nativeBackend } from "./native.js";
import { ownInstructions, ownModule } from "./ownModule.js";

/** Whether our own ops (src/native) are there and made for the device in use: a processor, not a GPU. */
export const ownOpsServe = (): boolean =>
  ownInstructions() !== undefined && !nativeBackend().isUsingGpuDevice;

/** Whether our own convolutions multiply in bfloat16 by units for matrices. */
export const ownMatricesServe = (): boolean => ownOpsServe() && ownModule().matrices !== undefined;
