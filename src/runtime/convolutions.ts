import { constants } from "node:os";
import { convolutionsFile, packageDirectory } from "./paths.js";

/** What the module of src/native says of itself. */
interface ConvolutionsModule {
  readonly instructions?: string;
}

const NONE = "none";

let instructions = NONE;

/**
 * Registers the convolutions of src/native with TensorFlow, which must have been loaded. Only set-up's own way compiles
 * them; without them, or on a processor they are not made for, every convolution is TensorFlow's.
 */
export function loadConvolutions(): void {
  const folder = packageDirectory();
  if (folder === undefined) return;
  const module: { exports: ConvolutionsModule } = { exports: {} };
  try {
    // biome-ignore lint/style/noRestrictedGlobals: a module that is only there after set-up.
    process.dlopen(module, convolutionsFile(folder), constants.dlopen.RTLD_NOW);
  } catch {
    return;
  }
  instructions = module.exports.instructions ?? NONE;
}

/** The instruction set that our own convolutions run on ("avx512", "avx2"), or undefined where there are none. */
export const ownConvolutions = (): string | undefined =>
  instructions === NONE ? undefined : instructions;

const PREFIX = "Pefd";

/** What our own op is called that takes the inputs and attributes of one of TensorFlow's, and computes the same. */
export const ownOp = (op: string): string => PREFIX + op;

/** TensorFlow's op behind one of ours, and any other as it is. */
export const standardOp = (op: string): string =>
  op.startsWith(PREFIX) ? op.slice(PREFIX.length) : op;

/** Our one op for a convolution, a bias, and what of the sum with an image and ReLU follows it. */
export const fusedConvolution = (follows: { sum: boolean; relu: boolean }): string =>
  `${ownOp("Conv2D")}Bias${follows.sum ? "Add" : ""}${follows.relu ? "Relu" : ""}`;
