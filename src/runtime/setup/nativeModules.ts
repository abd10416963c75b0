import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CommandOptions, runCommand } from "../command.js";
import { gpuProbeFile, logLevelFile, ownModuleFile, signalsFile } from "../paths.js";

/** A source file of src/native with its compiler flags; a file may be compiled several times. */
export type Unit = { readonly source: string; readonly flags: readonly string[] };

interface NativeModule {
  /** Where it is loaded from. */
  readonly file: (nativeFolder: string) => string;
  readonly units: () => readonly Unit[];
  /** Libraries to link with, as paths in the runtime's tree. */
  readonly libraries: readonly string[];
}

/** Needs no runtime: it is compiled before one is downloaded. */
const GPU_PROBE: NativeModule = {
  file: gpuProbeFile,
  units: () => [{ source: "gpu_probe.cc", flags: ["-O1"] }],
  libraries: [],
};

/** The float32 kernels, once per instruction set. */
const kernels = (name: string, ...instructions: string[]): Unit => ({
  source: "kernels/kernels.cc",
  flags: ["-O3", `-DKERNELS=${name}`, ...instructions],
});

/** Flags for vectors of 16 float32 and of 32 int16 numbers. */
const VECTORS = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"];

/** Reduced-precision convolutions, for float32 and for bfloat16 activations. */
const reduced = (folder: string, name: string, ...instructions: string[]): Unit[] =>
  [
    [`-DKERNELS=${name}Kernels`],
    [`-DKERNELS=${name}Bfloat16Kernels`, "-DPEFD_BFLOAT16_ACTIVATIONS", "-DPEFD_BFLOAT16"],
  ].map((flags) => ({ source: `kernels/${folder}/kernels.cc`, flags: ["-O3", ...flags, ...instructions, ...VECTORS] }));

export const SOURCES = fileURLToPath(new URL("../../../src/native", import.meta.url));

/** Every source of a folder, in the order of their names, optimised for any CPU. */
const allOf = (folder: string): Unit[] =>
  readdirSync(join(SOURCES, folder))
    .filter((name) => name.endsWith(".cc"))
    .sort()
    .map((name) => ({ source: `${folder}/${name}`, flags: ["-O2"] }));

/** Validation of shapes and attributes, without TensorFlow. */
const GEOMETRY = "ops/geometry.cc";

/** Sources that need neither Node.js nor TensorFlow; test/native runs them by themselves. */
export const standaloneUnits = (): Unit[] => [
  kernels("avx2Kernels", "-mavx2", "-mfma"),
  kernels("avx512Kernels", "-mavx512f", "-mavx512dq", "-mavx512vl", "-mfma"),
  ...reduced("amx", "amx", "-DPEFD_AMX"),
  ...reduced("int16", "vnni", "-DPEFD_VNNI"),
  ...allOf("host"),
  ...allOf("ops").filter(({ source }) => source === GEOMETRY),
];

/** The ops, which register themselves through TensorFlow's C API. */
const opUnits = (): Unit[] => allOf("ops").filter(({ source }) => source !== GEOMETRY);

const MODULES: readonly NativeModule[] = [
  { file: logLevelFile, units: () => [{ source: "log_level.cc", flags: ["-O1"] }], libraries: [] },
  { file: signalsFile, units: () => [{ source: "signals.cc", flags: ["-O1"] }], libraries: [] },
  {
    file: ownModuleFile,
    units: () => [...standaloneUnits(), ...opUnits()],
    libraries: ["lib/libtensorflow_framework.so"],
  },
];

/** Where the compiled modules are loaded from. */
export const nativeModuleFiles = [GPU_PROBE, ...MODULES].map(({ file }) => file);

/** A hash of the modules' sources, compiler flags and names. */
export function nativeModulesHash(): string {
  const told = [GPU_PROBE, ...MODULES].map(({ file, units, libraries }) => [basename(file("")), units(), libraries]);
  const hash = createHash("sha256").update(JSON.stringify(told));
  for (const entry of readdirSync(SOURCES, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) hash.update(readFileSync(join(entry.parentPath, entry.name)));
  }
  return hash.digest("hex").slice(0, 8);
}

export interface NativeBuild {
  readonly folder: string;
  /** The runtime whose headers and libraries are used. */
  readonly tree: string;
  readonly options: CommandOptions;
}

/** Flags of every compilation. No -Werror for users: their compiler may have more warnings than ours. */
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
    units().map(({ source, flags }, i) =>
      compiler(`${built}.${i}.o`, ...flags, ...includes, "-c", join(SOURCES, source)),
    ),
  );
  const linked = libraries.map((library) => join(tree, library));
  return compiler(built, ...linking, ...objects, ...linked, "-pthread", "-ldl");
}

/** Compiles the program that queries the CUDA driver. @returns the compiled file */
export async function compileGpuProbe(build: NativeBuild, failure: (output: string) => Error): Promise<string> {
  await mkdir(build.folder, { recursive: true });
  return compileModule(GPU_PROBE, build, failure, []);
}

/** Compiles our own modules. @param failure makes an error of a compiler's output @returns the compiled files */
export const compileNativeModules = (build: NativeBuild, failure: (output: string) => Error): Promise<string[]> =>
  Promise.all(MODULES.map((module) => compileModule(module, build, failure)));
