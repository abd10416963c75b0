import { existsSync } from "node:fs";
import { constants } from "node:os";
import { environmentError, inputError } from "../common/errors.js";
import { nativeDirectory } from "./nativeFolder.js";
import { logLevelFile, ownModuleFile } from "./paths.js";
import { type ReducedProducts, reducedNamed } from "./reducedProducts.js";

/** What the module of src/native says of itself. */
interface ModuleExports {
  readonly instructions?: string;
  readonly reduced?: string;
  readonly narrow?: string;
  readonly problem?: string;
  readonly operations?: string;
  /** Keeps what this thread writes to C's stderr from here on, and ends that. */
  divertWords?(): void;
  takeWords?(): string;
  /** Convolutions that needed float32 where whole numbers of 16 bits were asked for. */
  inFloats?(): string;
}

/** The module of our own ops (src/native): convolutions, arithmetic on elements, resized images. */
export interface OwnModule {
  /** The instruction set that they run on; undefined where all ops are TensorFlow's. */
  readonly instructions: string | undefined;
  /** What makes the products of 16 bits of convolutions; undefined where nothing is faster than products of float32. */
  readonly reduced: ReducedProducts | undefined;
  /** Whether images may lie in bfloat16 from one of our ops to the next, which halves what is read and written. */
  readonly narrowImages: boolean;
  /** Why it could not be loaded, where it could not. */
  readonly problem: string | undefined;
}

/** What the module says where it registered nothing, and where it does not know what PEFD_CONVOLUTIONS asks for. */
const NONE = "none";
const UNKNOWN = "unknown";

const NO_MODULE: OwnModule = {
  instructions: undefined,
  reduced: undefined,
  narrowImages: false,
  problem: undefined,
};

let loaded: OwnModule = { ...NO_MODULE, problem: "not loaded yet" };
let operations: readonly string[] = [];
let words: Pick<ModuleExports, "divertWords" | "takeWords" | "inFloats"> = {};
let saidInFloats = "";

/**
 * Set-up compiles our modules together: where another one lies there without this one, set-up is older than the code.
 * TensorFlow's ops in its place would train to other last bits, and nobody would know.
 */
function refuseOldSetup(folder: string): void {
  if (existsSync(ownModuleFile(folder)) || !existsSync(logLevelFile(folder))) return;
  throw environmentError(
    "pefd's own ops are not compiled as this version of pefd needs them.",
    "Type: pefd setup",
  );
}

function loadModule(folder: string): OwnModule {
  const module: { exports: ModuleExports } = { exports: {} };
  try {
    // biome-ignore lint/style/noRestrictedGlobals: a module that is only there after set-up.
    process.dlopen(module, ownModuleFile(folder), constants.dlopen.RTLD_NOW);
  } catch (error) {
    const problem = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return { ...NO_MODULE, problem };
  }
  const { instructions = NONE, reduced, narrow, problem } = module.exports;
  operations = module.exports.operations?.split(" ") ?? [];
  words = module.exports;
  return {
    instructions: instructions === NONE ? undefined : instructions,
    reduced: reducedNamed(reduced),
    narrowImages: Boolean(narrow),
    problem: problem || undefined,
  };
}

/**
 * Registers our own ops with TensorFlow, which must have been loaded. Only set-up's own way compiles them; without
 * them, or on a processor that they are not made for, every op is TensorFlow's.
 * @throws environmentError where set-up has compiled other modules, and not this one; inputError where
 * PEFD_CONVOLUTIONS is a word that it cannot be
 */
export function loadOwnModule(): void {
  const folder = nativeDirectory() ?? "";
  refuseOldSetup(folder);
  loaded = loadModule(folder);
  if (loaded.instructions !== UNKNOWN) return;
  throw inputError(
    "PEFD_CONVOLUTIONS can be avx512, avx2 or tensorflow, and is another word.",
    "Unset it for the fastest that this processor has.",
  );
}

/** What was found when TensorFlow was loaded. */
export const ownModule = (): OwnModule => loaded;

/** The instruction set that our own ops run on ("avx512", "avx2"), or undefined where there are none. */
export const ownInstructions = (): string | undefined => loaded.instructions;

/**
 * Which convolutions our kernels of whole numbers left to float32 since the process began, in a sentence for people, where
 * there are others than it said last; undefined where there are none.
 */
export function float32Note(): string | undefined {
  const found = words.inFloats?.() ?? "";
  if (found === saidInFloats) return undefined;
  saidInFloats = found;
  return (
    `Some convolutions (${found}) are computed in float32: the scales of their channels differ too much for whole numbers of ` +
    "16 bits. They take longer."
  );
}

/** What our elementwise op computes, by its opcodes: names of TensorFlow's ops. Empty where there is no such op. */
export const ownOperations = (): readonly string[] => operations;

/**
 * What a native library writes to stderr while something runs, which is kept from there: libjpeg's warnings, which do not
 * say of which image they speak. Nothing where our module is not compiled; they are on stderr then.
 */
export function wordsWhile<Result>(run: () => Result): { result: Result; words: string } {
  words.divertWords?.();
  let result: Result;
  try {
    result = run();
  } catch (error) {
    words.takeWords?.();
    throw error;
  }
  return { result, words: words.takeWords?.() ?? "" };
}
