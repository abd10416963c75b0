/**
 * The environment with what the native library reads, set as pefd sets it, but without programs kept from earlier runs,
 * and with a GPU's products in whole float32: here numbers are compared. The project must be compiled.
 */
export async function nativeVariables() {
  const { prepareNative } = await import("../../dist/runtime/prepare.js");
  const env = { ...process.env };
  prepareNative({ env, keepPrograms: false, exactFloat32: true });
  return env;
}
