import { existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { WHEELS } from "../setup/wheels.js";
import type { CudaAnswer, LibraryAnswer } from "./probeProgram.js";
import { cudaVersionText, cudnnVersionText } from "./types.js";

interface Versioned {
  readonly title: string;
  readonly wheel: string;
  /** A wheel's first numbers as the library counts them. */
  count(numbers: readonly number[]): number;
  text(version: number): string;
}

const ten = ([major = 0, minor = 0, patch = 0]: readonly number[]) => 10_000 * major + 100 * minor + patch;

/** Libraries that say their versions: another folder's is as good where its version is that of setup. */
const VERSIONED: Readonly<Record<string, Versioned>> = {
  "libcudart.so.12": {
    title: "CUDA",
    wheel: "nvidia-cuda-runtime-cu12",
    count: ([major = 0, minor = 0]) => 1000 * major + 10 * minor,
    text: cudaVersionText,
  },
  "libcublasLt.so.12": { title: "cuBLAS", wheel: "nvidia-cublas-cu12", count: ten, text: cudnnVersionText },
  "libcudnn.so.9": { title: "cuDNN", wheel: "nvidia-cudnn-cu12", count: ten, text: cudnnVersionText },
};

/** Of the same version as another one. */
const BESIDE = new Set(["libcublas.so.12"]);

/** Real paths of a runtime's own libraries. @param tree the runtime's folder */
function ownLibraries(tree: string): Set<string> {
  const root = join(tree, "nvidia");
  if (!existsSync(root)) return new Set();
  const folders = readdirSync(root).map((part) => join(root, part, "lib"));
  const files = folders.filter(existsSync).flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  return new Set(files.filter(existsSync).map((file) => realpathSync(file)));
}

/** "cuDNN 9.1.0 in /opt/cudnn/lib (setup's is 9.28.0)"; undefined where the version is setup's, or not said. */
function otherVersion(name: string, file: string, version: number | undefined): string | undefined {
  const { title, wheel, count, text } = VERSIONED[name] as Versioned;
  const pinned =
    WHEELS.gpu
      .find(({ project }) => project === wheel)
      ?.version.split(".")
      .map(Number) ?? [];
  if (!version || version === count(pinned)) return undefined;
  return `${title} ${text(version)} in ${dirname(file)} (setup's is ${text(count(pinned))})`;
}

/**
 * Libraries that the loader takes from elsewhere than the runtime and that are of another version, or do not say one.
 * @param tree the runtime's folder @returns phrases for people
 */
export function foreignLibraries(libraries: readonly LibraryAnswer[], tree: string): string[] {
  const own = ownLibraries(tree);
  return libraries.flatMap(({ name, file, version }) => {
    if (file === undefined || own.has(file) || BESIDE.has(name)) return [];
    return name in VERSIONED ? (otherVersion(name, file, version) ?? []) : [`${name} in ${dirname(file)}`];
  });
}

/** The same for the cuDNN that the probe found, where the runtime in a folder has its own. */
export function foreignCudnn({ cudnn, cudnnFile }: CudaAnswer, tree: string): string | undefined {
  if (cudnn === undefined || cudnnFile === undefined || !existsSync(join(tree, "nvidia/cudnn/lib"))) return undefined;
  return foreignLibraries([{ name: "libcudnn.so.9", file: cudnnFile, version: cudnn }], tree)[0];
}

export const FOREIGN_HINT =
  "LD_LIBRARY_PATH comes before pefd's own libraries: unset LD_LIBRARY_PATH (`module unload` where a module set it).";
