import { ownConvolutions } from "./convolutions.js";
import { nativeBackend } from "./native.js";

/** Whether our own ops (src/native) are there and made for the device in use: a processor, not a GPU. */
export const ownOpsServe = (): boolean =>
  ownConvolutions() !== undefined && !nativeBackend().isUsingGpuDevice;
