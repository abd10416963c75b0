import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The folder of the installed package @tensorflow/tfjs-node-gpu, or undefined where it is missing. */
export function packageDirectory(): string | undefined {
  try {
    return dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
  } catch {
    return undefined;
  }
}

/** Where the package's binding looks for libtensorflow: a link to one runtime tree. */
export const dependencies = (packageFolder: string): string => join(packageFolder, "deps");

/** Where the package looks for its compiled binding (Node-API 8, the newest it knows). */
export const bindingFile = (packageFolder: string): string =>
  join(packageFolder, "lib/napi-v8/tfjs_binding.node");

/** Beside it, the module that silences the libraries' log (src/native/log_level.cc). */
export const logLevelFile = (packageFolder: string): string =>
  join(dirname(bindingFile(packageFolder)), "log_level.node");

/** And the one that ends a process that is busy when a signal comes (src/native/signals.cc). */
export const signalsFile = (packageFolder: string): string =>
  join(dirname(bindingFile(packageFolder)), "signals.node");

/** And the module of our own ops (src/native). */
export const ownModuleFile = (packageFolder: string): string =>
  join(dirname(bindingFile(packageFolder)), "own_ops.node");

/** And the program that asks the CUDA driver (src/native/gpu_probe.cc). */
export const gpuProbeFile = (packageFolder: string): string =>
  join(dirname(bindingFile(packageFolder)), "gpu_probe");

/** Folder of compiled XLA programs in the cache folder. */
export const programCache = (cache: string): string => join(cache, "xla");

/** Folder with ptxas and libdevice of the installed GPU runtime, or undefined without one. */
export function cudaDirectory(): string | undefined {
  const folder = packageDirectory();
  if (folder === undefined) return undefined;
  const cuda = join(dependencies(folder), "nvidia/cuda_nvcc");
  return existsSync(cuda) ? cuda : undefined;
}
