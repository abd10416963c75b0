import { constants } from "node:os";
import { basename } from "node:path";
import { environmentError, inputError } from "../common/errors.js";
import { compileAgain, compiledDamage, THEIRS } from "./compiledFiles.js";
import type { Environment } from "./gpu/types.js";
import { nativeDirectory } from "./nativeFolder.js";
import { ownModuleFile } from "./paths.js";

/** CPU instructions that make bfloat16 convolutions faster than float32. */
export interface ReducedProducts {
  /** Its part of a kernel set's name (ownOps.ts). */
  readonly name: string;
  /** Text of `pefd doctor` after "bfloat16". */
  readonly how: string;
  /** Relative step time, as text (docs/performance.md). */
  readonly time: string;
  /** Whether TensorFlow's convolutions gain by bfloat16, too: those that ours do not serve. */
  readonly servesTensorFlow: boolean;
}

/** By the names that the module of src/native gives (host/instruction_set.h). */
export const REDUCED_PRODUCTS = {
  AMX: { name: "amx", how: "on AMX", time: "about half", servesTensorFlow: true },
  VNNI: { name: "vnni", how: "as int16 on VNNI", time: "about three fifths", servesTensorFlow: false },
} satisfies Readonly<Record<string, ReducedProducts>>;

const reducedNamed = (name: string | undefined): ReducedProducts | undefined =>
  Object.entries(REDUCED_PRODUCTS).find(([known]) => known === name)?.[1];

interface ModuleExports {
  readonly instructions?: string;
  readonly reduced?: string;
  readonly narrow?: string;
  readonly problem?: string;
  /** Keeps what this thread writes to C's stderr from here on, and ends that. */
  divertWords?(): void;
  takeWords?(): string;
  /** Convolutions that needed float32 where int16 were asked for. */
  inFloats?(): string;
  hostAddress?(values: ArrayBufferView): bigint;
}

/** The module of our own ops (src/native): convolutions, arithmetic on elements, resized images. */
export interface OwnModule {
  /** The instruction set that they run on; undefined where all ops are TensorFlow's. */
  readonly instructions: string | undefined;
  /** Reduced-precision instructions for convolutions; undefined if none is faster than float32. */
  readonly reduced: ReducedProducts | undefined;
  /** Whether images may lie in bfloat16 from one of our ops to the next, which halves what is read and written. */
  readonly bfloat16Activations: boolean;
  /** Why it could not be loaded, where it could not. */
  readonly problem: string | undefined;
}

/** The module's messages if it registered nothing, and for an unknown PEFD_CONVOLUTIONS. */
const NONE = "none";
const UNKNOWN = "unknown";

const NO_MODULE: OwnModule = {
  instructions: undefined,
  reduced: undefined,
  bfloat16Activations: false,
  problem: undefined,
};

let loaded: OwnModule = { ...NO_MODULE, problem: "not loaded yet" };
let native: Pick<ModuleExports, "divertWords" | "takeWords" | "inFloats" | "hostAddress"> = {};
let saidInFloats = "";

function loadModule(folder: string): OwnModule {
  const file = basename(ownModuleFile(folder));
  const damaged = compiledDamage(folder)?.find(({ path }) => path === file);
  if (damaged !== undefined) return { ...NO_MODULE, problem: damaged.words };
  const module: { exports: ModuleExports } = { exports: {} };
  try {
    // biome-ignore lint/style/noRestrictedGlobals: a module that is only there after setup.
    process.dlopen(module, ownModuleFile(folder), constants.dlopen.RTLD_NOW);
  } catch (error) {
    const problem = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return { ...NO_MODULE, problem };
  }
  const { instructions = NONE, reduced, narrow, problem } = module.exports;
  native = module.exports;
  return {
    instructions: instructions === NONE ? undefined : instructions,
    reduced: reducedNamed(reduced),
    bfloat16Activations: Boolean(narrow),
    problem: problem || undefined,
  };
}

/**
 * Registers our own ops with TensorFlow, which must have been loaded, where the CPU supports them and PEFD_CONVOLUTIONS
 * does not ask for TensorFlow's.
 * @throws environmentError where the module does not load and nobody has asked for TensorFlow's ops, which round
 * differently; inputError where PEFD_CONVOLUTIONS is a word that it cannot be, or instructions that the CPU lacks
 */
export function loadOwnModule(env: Environment): void {
  const folder = nativeDirectory() ?? "";
  const asked = env.PEFD_CONVOLUTIONS;
  loaded = loadModule(folder);
  if (loaded.instructions === UNKNOWN) {
    throw inputError(
      "PEFD_CONVOLUTIONS must be avx512, avx2 or tensorflow.",
      "Unset it to use the fastest this CPU supports.",
    );
  }
  if (asked === THEIRS) return;
  if (loaded.problem !== undefined) {
    throw environmentError(
      `pefd's own kernels do not load: ${loaded.problem.replace(/\.$/, "")}.`,
      `${compileAgain(folder)}. PEFD_CONVOLUTIONS=tensorflow uses TensorFlow's kernels, which round differently`,
    );
  }
  if (asked && loaded.instructions === undefined) {
    throw inputError(
      `PEFD_CONVOLUTIONS is ${asked}, which this CPU does not support.`,
      "Unset it to use the fastest this CPU supports.",
    );
  }
}

/** Result of loading TensorFlow. */
export const ownModule = (): OwnModule => loaded;

/** The instruction set that our own ops run on ("avx512", "avx2"), or undefined where there are none. */
export const ownInstructions = (): string | undefined => loaded.instructions;

/** A message on the convolutions that int16 kernels ran in float32 so far; undefined where it says nothing new. */
export function float32Note(): string | undefined {
  const found = native.inFloats?.() ?? "";
  if (found === saidInFloats) return undefined;
  saidInFloats = found;
  return `Some convolutions (${found}) run in float32, which is slower: their channel scales differ too much for int16.`;
}

/** The address of an array's elements as two int32, which PefdHostMemory takes. @throws Error without our module */
export function hostAddress(values: ArrayBufferView): Int32Array {
  const address = native.hostAddress?.(values);
  if (address === undefined) throw new Error("The module of our own ops is not loaded.");
  return new Int32Array(BigUint64Array.of(address).buffer);
}

/** Captures a native library's stderr, such as libjpeg's warnings, which name no image; nothing without our module. */
export function capturingStderr<Result>(run: () => Result): { result: Result; stderrText: string } {
  native.divertWords?.();
  let result: Result;
  try {
    result = run();
  } catch (error) {
    native.takeWords?.();
    throw error;
  }
  return { result, stderrText: native.takeWords?.() ?? "" };
}
