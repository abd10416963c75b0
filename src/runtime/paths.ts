import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Whether this is a checkout, with a setup of its own (`npm run setup`), and not a package that npm has installed. */
export const isCheckout = (): boolean => existsSync(join(ROOT, "scripts/setup.js"));

/** Parts of tfjs-node-gpu in the package (scripts/pack.js). */
const PACKED = join(ROOT, "vendor/tfjs-node-gpu");

/** The folder of tfjs-node-gpu (its JavaScript, its binding's sources): packed or setup's; undefined where missing. */
export function packageDirectory(): string | undefined {
  if (!isCheckout() && existsSync(PACKED)) return PACKED;
  try {
    return dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
  } catch {
    return undefined;
  }
}

/** Where the binding looks for libtensorflow, below the native folder (nativeFolder.ts): a link to one runtime tree. */
export const dependencies = (nativeFolder: string): string => join(nativeFolder, "deps");

/** Where the compiled binding lies (Node-API 8, the newest that it knows). */
export const bindingFile = (nativeFolder: string): string => join(nativeFolder, "lib/napi-v8/tfjs_binding.node");

const besideBinding =
  (name: string) =>
  (nativeFolder: string): string =>
    join(dirname(bindingFile(nativeFolder)), name);

/** The module that silences the libraries' log (src/native/log_level.cc). */
export const logLevelFile = besideBinding("log_level.node");

/** The module that ends a busy process when a signal comes (src/native/signals.cc). */
export const signalsFile = besideBinding("signals.node");

/** The module of our own ops (src/native). */
export const ownModuleFile = besideBinding("own_ops.node");

/** The program that asks the CUDA driver (src/native/gpu_probe.cc). */
export const gpuProbeFile = besideBinding("gpu_probe");

/** What setup wrote down of all these, when it came to its end (compiledFiles.ts). */
export const compiledRecord = besideBinding("compiled.json");

/** Folder of compiled XLA programs in the cache folder. */
export const programCache = (cache: string): string => join(cache, "xla");

/** Folder of kernels that the driver compiled, in the cache folder. */
export const kernelCache = (cache: string): string => join(cache, "cuda");

/** Folder with ptxas and libdevice of an installed GPU runtime, or undefined without one. */
export function cudaDirectory(nativeFolder: string | undefined): string | undefined {
  if (nativeFolder === undefined) return undefined;
  const cuda = join(dependencies(nativeFolder), "nvidia/cuda_nvcc");
  return existsSync(cuda) ? cuda : undefined;
}
