import { availableParallelism } from "node:os";

/**
 * What the native library reads, set as pefd sets it, but without programs kept from earlier runs, and with a GPU's
 * products in whole float32: here numbers are compared. The project must be compiled.
 */
export async function nativeVariables() {
  const { nativeEnvironment } = await import("../../dist/runtime/environment.js");
  const { cudaDirectory } = await import("../../dist/runtime/paths.js");
  const settings = {
    env: process.env,
    programCache: undefined,
    cudaDirectory: cudaDirectory(),
    processors: availableParallelism(),
  };
  return { NVIDIA_TF32_OVERRIDE: "0", ...nativeEnvironment(settings) };
}
