import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { cacheDirectory } from "#pefd/common/cachePaths.js";
import { WHEELS } from "#pefd/runtime/setup/wheels.js";
import { ROOT } from "../../helpers/paths.js";

/** The sources of the pretended GPU. */
const SOURCES = join(ROOT, "test/gpu/fake");

/** One of CUDA's libraries, as it is pretended. */
interface Library {
  readonly name: string;
  /** Its own sources: files, and folders of them. */
  readonly sources: readonly string[];
  /** Functions that TensorFlow may ask for, by the names that are written in its library. */
  readonly asked: RegExp;
  /** The real one in the tree: what it has beyond that. */
  readonly real?: string;
}

const COMMON = ["log.c"];

const LIBRARIES: readonly Library[] = [
  {
    name: "libcuda.so.1",
    sources: [...COMMON, "machine.c", "driver"],
    asked: /^cu[A-Z]\w+$/,
  },
  {
    name: "libcudart.so.12",
    sources: [...COMMON, "runtime"],
    asked: /^(__)?cuda[A-Z]\w+$/,
    real: "nvidia/cuda_runtime/lib/libcudart.so.12",
  },
  {
    name: "libcublas.so.12",
    sources: [...COMMON, "libraries/handle.c", "libraries/cublas.c"],
    asked: /^cublas(?!Lt)\w+$/,
    real: "nvidia/cublas/lib/libcublas.so.12",
  },
  {
    name: "libcublasLt.so.12",
    sources: [...COMMON, "libraries/handle.c", "libraries/cublasLt.c"],
    asked: /^cublasLt\w+$/,
    real: "nvidia/cublas/lib/libcublasLt.so.12",
  },
  {
    name: "libcudnn.so.9",
    sources: [...COMMON, "libraries/handle.c", "libraries/cudnn.c"],
    asked: /^cudnn[A-Z]\w+$/,
    real: "nvidia/cudnn/lib/libcudnn.so.9",
  },
  { name: "libnvidia-ml.so.1", sources: COMMON, asked: /^nvml[A-Z]\w+$/ },
];

function runTool(command: string, ...words: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { ...process.env, LC_ALL: "C" },
  });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout;
}

/** All words in a file that could be names of CUDA's functions. */
const wordsIn = (file: string): string[] =>
  runTool("grep", "-aoE", "\\b(__)?(cu|nvml)[A-Z]?[A-Za-z0-9_]+", file).split("\n");

/** Names of the functions that an object or library has. */
const functionsIn = (file: string, ...flags: string[]): string[] =>
  runTool("nm", "--defined-only", "--format=posix", ...flags, file)
    .split("\n")
    .map((line) => line.replace(/[@ ].*$/, ""));

const gcc = (...words: string[]): string => runTool("gcc", "-O1", "-fPIC", "-Wall", "-Wextra", "-pthread", ...words);

const filesOf = (source: string): string[] =>
  source.endsWith(".c")
    ? [join(SOURCES, source)]
    : readdirSync(join(SOURCES, source))
        .filter((file) => file.endsWith(".c"))
        .map((file) => join(SOURCES, source, file));

/** Compiles one library; what its sources leave out of what may be asked for succeeds and does nothing. */
function compile(library: Library, tree: string, words: readonly string[], folder: string): void {
  const work = mkdtempSync(join(folder, "work-"));
  const compiled = (source: string, i: number): string => {
    const object = join(work, `${i}-${basename(source)}.o`);
    gcc("-c", `-I${SOURCES}`, "-o", object, source);
    return object;
  };
  const objects = library.sources.flatMap(filesOf).map(compiled);
  const own = new Set(objects.flatMap((object) => functionsIn(object)));
  const real = library.real ? functionsIn(join(tree, library.real), "-D") : [];
  const asked = new Set([...words, ...real].filter((name) => library.asked.test(name)));
  const rest = [...asked].filter((name) => !own.has(name)).sort();
  const nothing = join(work, "nothing.c");
  const script = join(work, "version");
  writeFileSync(nothing, ['#include "nothing.h"', ...rest.map((n) => `NOTHING(${n})`), ""].join("\n"));
  // Libraries that come with TensorFlow ask for functions of this one by its version, too.
  writeFileSync(script, `${library.name} { global: *; };\n`);
  const version = /^[\w.]+$/.test(library.name) ? [`-Wl,--version-script=${script}`] : [];
  const output = join(folder, library.name);
  const names = [`-Wl,-soname,${library.name}`, "-Wl,-Bsymbolic", ...version];
  gcc("-shared", ...names, "-o", output, ...objects, compiled(nothing, objects.length), "-ldl");
  rmSync(work, { recursive: true });
}

/** A name for what the libraries are made of: it changes with any source, and with TensorFlow. */
function digest(): string {
  const hash = createHash("sha256").update(JSON.stringify(WHEELS.gpu));
  hash.update(readFileSync(new URL(import.meta.url)));
  for (const entry of readdirSync(SOURCES, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) hash.update(readFileSync(join(entry.parentPath, entry.name)));
  }
  return hash.digest("hex").slice(0, 12);
}

/**
 * The folder of pretended CUDA libraries for LD_LIBRARY_PATH, compiled with gcc where they are not there yet.
 * @param tree TensorFlow's build for GPUs
 * @throws Error with the compiler's words
 */
export function pretendedLibraries(tree: string): string {
  const kept = join(cacheDirectory(process.env, homedir()), "pretended-gpu", digest());
  if (existsSync(kept)) return kept;
  mkdirSync(join(kept, ".."), { recursive: true });
  const folder = mkdtempSync(`${kept}.`);
  try {
    const words = wordsIn(join(tree, "lib/libtensorflow_framework.so.2"));
    for (const library of LIBRARIES) compile(library, tree, words, folder);
    renameSync(folder, kept);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (!existsSync(kept)) throw error; // Else somebody else was faster.
  }
  return kept;
}
