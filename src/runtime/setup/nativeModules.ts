import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CommandOptions, runCommand } from "../command.js";
import { gpuProbeFile, logLevelFile, ownModuleFile, signalsFile } from "../paths.js";

/** A source file of src/native with its compiler flags; a file may be compiled several times. */
export interface Unit {
  readonly source: string;
  readonly flags: readonly string[];
}

/** One module that set-up compiles from our own sources. */
interface NativeModule {
  /** Where it is loaded from. */
  readonly file: (nativeFolder: string) => string;
  readonly units: readonly Unit[];
  /** Libraries to link with, as paths in the runtime's tree. */
  readonly libraries: readonly string[];
}

/** A program needs no runtime: it is compiled before one is brought. */
const GPU_PROBE: NativeModule = {
  file: gpuProbeFile,
  units: [{ source: "gpu_probe.cc", flags: ["-O1"] }],
  libraries: [],
};

/** The kernels, once per instruction set (kernels.h says how they are told apart). */
const kernels = (name: string, ...instructions: string[]): Unit => ({
  source: "kernels/kernels.cc",
  flags: ["-O3", `-DKERNELS=${name}`, ...instructions],
});

/** Compiler flags for AVX-512 float and int16 vectors. */
const VECTORS = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"];

/** Convolutions with int16 or bfloat16 multiply-accumulate, for images in float32 and in bfloat16, by what the CPU has for them. */
const reduced = (folder: string, name: string, ...instructions: string[]): Unit[] =>
  [
    { source: "kernels.cc", flags: [`-DKERNELS=${name}Kernels`] },
    { source: "narrow.cc", flags: [`-DKERNELS=${name}NarrowKernels`, "-DPEFD_BFLOAT16"] },
  ].map(({ source, flags }) => ({
    source: `kernels/${folder}/${source}`,
    flags: ["-O3", ...flags, ...instructions, ...VECTORS],
  }));

const optimized = (source: string): Unit => ({ source, flags: ["-O2"] });

/** Sources without Node.js and TensorFlow, for test/native. */
export const STANDALONE: readonly Unit[] = [
  kernels("avx2Kernels", "-mavx2", "-mfma"),
  kernels("avx512Kernels", "-mavx512f", "-mavx512dq", "-mavx512vl", "-mfma"),
  ...reduced("amx", "amx", "-DPEFD_AMX"),
  ...reduced("int16", "vnni", "-DPEFD_VNNI"),
  ...["pool", "scratch", "workspace", "processors", "instruction_set", "diverted_words"].map((name) =>
    optimized(`host/${name}.cc`),
  ),
  ...["geometry", "program", "resize"].map((name) => optimized(`ops/${name}.cc`)),
];

/** The ops as TensorFlow's C API sees them. */
const OPS: readonly Unit[] = [
  "inference",
  "batch_norm_op",
  "convolution/shapes",
  "convolution/convolution_ops",
  "convolution/depthwise_ops",
  "elementwise_op",
  "normalize_op",
  "resize_op",
  "swap_op",
  "module",
].map((name) => optimized(`ops/${name}.cc`));

const MODULES: readonly NativeModule[] = [
  { file: logLevelFile, units: [{ source: "log_level.cc", flags: ["-O1"] }], libraries: [] },
  { file: signalsFile, units: [{ source: "signals.cc", flags: ["-O1"] }], libraries: [] },
  {
    file: ownModuleFile,
    units: [...STANDALONE, ...OPS],
    libraries: ["lib/libtensorflow_framework.so"],
  },
];

/** Where the compiled modules are loaded from. */
export const nativeModuleFiles = [GPU_PROBE, ...MODULES].map(({ file }) => file);

/** The folder of the C++ sources. */
export const SOURCES = fileURLToPath(new URL("../../../src/native", import.meta.url));

/** A name for what the modules are compiled from: it changes with any source, what the compiler is told, and their names. */
export function nativeModulesHash(): string {
  const told = [GPU_PROBE, ...MODULES].map((module) => [basename(module.file("")), module]);
  const hash = createHash("sha256").update(JSON.stringify(told));
  for (const entry of readdirSync(SOURCES, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) hash.update(readFileSync(join(entry.parentPath, entry.name)));
  }
  return hash.digest("hex").slice(0, 8);
}

/** Where modules are compiled, and with what. */
export interface NativeBuild {
  /** A folder of ours to work in. */
  readonly folder: string;
  /** The runtime whose headers and libraries are used. */
  readonly tree: string;
  readonly options: CommandOptions;
}

/** Compiler flags. Warnings are not errors: the user's compiler may have more of them than ours. */
export const COMMON = ["-std=c++17", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra"];

/** @throws whatever `failure` makes of the compiler's output */
async function compileModule(
  { file, units, libraries }: NativeModule,
  { folder, tree, options }: NativeBuild,
  failure: (output: string) => Error,
  linking: readonly string[] = ["-shared"],
): Promise<string> {
  const built = join(folder, basename(file(folder)));
  const compiler = async (output: string, ...more: string[]): Promise<string> => {
    const result = await runCommand("g++", [...COMMON, "-o", output, ...more], options);
    if (result.code !== 0 || !existsSync(output)) throw failure(result.stderr + result.stdout);
    return output;
  };
  const includes = [`-I${join(SOURCES, "include")}`, `-I${join(tree, "include")}`];
  const objects = await Promise.all(
    units.map(({ source, flags }, i) =>
      compiler(`${built}.${i}.o`, ...flags, ...includes, "-c", join(SOURCES, source)),
    ),
  );
  const linked = libraries.map((library) => join(tree, library));
  return compiler(built, ...linking, ...objects, ...linked, "-pthread", "-ldl");
}

/** Compiles the program that asks the CUDA driver; it takes nothing of a runtime. @returns the compiled file */
export async function compileGpuProbe(build: NativeBuild, failure: (output: string) => Error): Promise<string> {
  await mkdir(build.folder, { recursive: true });
  return compileModule(GPU_PROBE, build, failure, []);
}

/**
 * Compiles our own modules.
 * @param failure makes an error of a compiler's output
 * @returns the compiled files
 */
export const compileNativeModules = (build: NativeBuild, failure: (output: string) => Error): Promise<string[]> =>
  Promise.all(MODULES.map((module) => compileModule(module, build, failure)));
