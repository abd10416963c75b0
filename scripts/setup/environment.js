/**
 * What the native library reads, set as pefd sets it but without programs kept from earlier runs. The project must be
 * compiled.
 */
export async function nativeVariables() {
  const { nativeEnvironment } = await import("../../dist/runtime/environment.js");
  const { cudaDirectory } = await import("../../dist/runtime/paths.js");
  const settings = { env: process.env, programCache: undefined, cudaDirectory: cudaDirectory() };
  return nativeEnvironment(settings);
}
