import { constants } from "node:os";
import { inputError } from "../common/errors.js";
import { convolutionsFile, packageDirectory } from "./paths.js";

/** What the module of src/native says of itself. */
interface ConvolutionsModule {
  readonly instructions?: string;
  readonly problem?: string;
  readonly operations?: string;
}

/** Which convolutions serve a processor. */
export interface Convolutions {
  /** The instruction set that our own run on; undefined where all are TensorFlow's. */
  readonly instructions: string | undefined;
  /** Why our own could not be loaded, where they could not. */
  readonly problem: string | undefined;
}

/** What the module says where it registered nothing, and where it does not know what PEFD_CONVOLUTIONS asks for. */
const NONE = "none";
const UNKNOWN = "unknown";

let loaded: Convolutions = { instructions: undefined, problem: "not loaded yet" };
let operations: readonly string[] = [];

function loadModule(): Convolutions {
  const folder = packageDirectory();
  const module: { exports: ConvolutionsModule } = { exports: {} };
  try {
    // biome-ignore lint/style/noRestrictedGlobals: a module that is only there after set-up.
    process.dlopen(module, convolutionsFile(folder ?? ""), constants.dlopen.RTLD_NOW);
  } catch (error) {
    const problem = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return { instructions: undefined, problem };
  }
  const { instructions = NONE, problem } = module.exports;
  operations = module.exports.operations?.split(" ") ?? [];
  return {
    instructions: instructions === NONE ? undefined : instructions,
    problem: problem || undefined,
  };
}

/**
 * Registers the convolutions of src/native with TensorFlow, which must have been loaded. Only set-up's own way compiles
 * them; without them, or on a processor they are not made for, every convolution is TensorFlow's.
 * @throws inputError where PEFD_CONVOLUTIONS is a word that it cannot be
 */
export function loadConvolutions(): void {
  loaded = loadModule();
  if (loaded.instructions !== UNKNOWN) return;
  throw inputError(
    "PEFD_CONVOLUTIONS can be avx512, avx2 or tensorflow, and is another word.",
    "Unset it for the fastest that this processor has.",
  );
}

/** Which convolutions were found when TensorFlow was loaded. */
export const convolutions = (): Convolutions => loaded;

/** The instruction set that our own convolutions run on ("avx512", "avx2"), or undefined where there are none. */
export const ownConvolutions = (): string | undefined => loaded.instructions;

/** What our elementwise op computes, by its opcodes: names of TensorFlow's ops. Empty where there is no such op. */
export const ownOperations = (): readonly string[] => operations;
