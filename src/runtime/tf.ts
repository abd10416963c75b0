import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import { deviceError } from "../common/deviceMemory.js";
import { environmentError } from "../common/errors.js";
import { threadSafe } from "./attributeNames.js";
import type { NativeBinding } from "./binding.js";
import { compileAgain, refuseDamaged } from "./compiledFiles.js";
import { nativeDirectory } from "./nativeFolder.js";
import { loadOwnModule } from "./ownModule.js";
import { bindingFile, logLevelFile, packageDirectory } from "./paths.js";
import { type NativeNeeds, prepareNative } from "./prepare.js";

type OpenSavedModel = { predict(inputs: Readonly<Record<string, Tensor>>): unknown; dispose(): void };

/** The tfjs-node API beyond TensorFlow.js. */
interface NodeApi {
  readonly node: { loadSavedModel(folder: string, tags: string[], signature: string): Promise<OpenSavedModel> };
}

/** The whole API of TensorFlow.js for Node.js. Import it, and the types below, from tf.ts. */
export type TensorFlow = typeof import("@tensorflow/tfjs") & NodeApi;
export type Tensor = import("@tensorflow/tfjs").Tensor;
export type Tensor1D = import("@tensorflow/tfjs").Tensor1D;
export type Tensor2D = import("@tensorflow/tfjs").Tensor2D;
export type Tensor4D = import("@tensorflow/tfjs").Tensor4D;
export type Scalar = import("@tensorflow/tfjs").Scalar;
export type Variable = import("@tensorflow/tfjs").Variable;

/** Composes softmax of other ops: TensorFlow's kernels for eager calls and for graphs differ in rounding. */
function composeSoftmax(tf: TensorFlow): void {
  const kernel = { kernelName: "Softmax", backendName: "tensorflow" };
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel({
    ...kernel,
    kernelFunc: ({ inputs, attrs }) => {
      const logits = inputs.logits as Tensor;
      const axis = (attrs as { dim: number }).dim;
      return tf.tidy(() => {
        const exponentials = tf.exp(tf.sub(logits, tf.max(logits, axis, true)));
        return tf.div(exponentials, tf.sum(exponentials, axis, true));
      });
    },
  });
}

/**
 * A variable's new value, recorded in a step and applied by whoever runs it. With `rows` ([N], int32) it is that of
 * only these rows, [N, ...]; one that is named twice must have the same value twice.
 */
export type Update = readonly [variable: Variable, value: Tensor, rows?: Tensor1D];

/** TensorFlow.js, a live binding: undefined until loadTensorFlow(), so that models can be imported without it. */
export let tf: TensorFlow;

/** Whether TensorFlow's graph optimizer rewrites the graphs of sessions (native/binding/overrides.h). */
export let optimizesGraphs = true;

const whenLoaded: (() => void)[] = [];

/** Calls back once the native library is loaded; at once if it already is. For registering kernels. */
export function onTensorFlowLoaded(callback: () => void): void {
  if (tf === undefined) whenLoaded.push(callback);
  else callback();
}

const require = createRequire(import.meta.url);

/** Node.js 23 removed two predicates that tfjs-node 4.22 still calls, and 22 warns about them. */
function restoreRemovedNodeHelpers(): void {
  const util = require("node:util") as Record<string, unknown>;
  util.isNullOrUndefined = (x: unknown) => x === null || x === undefined;
  util.isArray = Array.isArray;
}

/** Applies TF_CPP_MIN_LOG_LEVEL to what the libraries log while they are being loaded (src/native/log_level.cc). */
function applyLogLevel(folder: string): void {
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    // biome-ignore lint/style/noRestrictedGlobals: nothing else loads a module into the global scope.
    process.dlopen({ exports: {} }, logLevelFile(folder), RTLD_NOW | RTLD_GLOBAL);
  } catch {
    // Without it the libraries say more than they need to.
  }
}

const notSetUp = () =>
  environmentError("TensorFlow is not installed yet: its native library must be downloaded once.", "Type: pefd setup");

/** Loads tfjs-node-gpu with setup's binding: the package asks node-pre-gyp where it is, and is answered here. */
function requireTensorFlow(folder: string, nativeFolder: string): TensorFlow {
  const fromPackage = createRequire(join(folder, "package.json"));
  const finder = fromPackage.resolve("@mapbox/node-pre-gyp");
  const exports = { find: () => bindingFile(nativeFolder) };
  fromPackage.cache[finder] = { exports, loaded: true } as NodeJS.Module;
  try {
    return fromPackage(folder) as TensorFlow;
  } finally {
    delete fromPackage.cache[finder];
  }
}

/**
 * Loads the native library once and sets `tf`.
 * @param needs what it finds in the environment (prepare.ts); by default what the process was started with
 * @throws environmentError with the next command when a file of setup is missing, truncated or does not load;
 * inputError where PEFD_CONVOLUTIONS is a word that it cannot be, or for a GPU that is not there
 */
export function loadTensorFlow(needs?: NativeNeeds): TensorFlow {
  if (tf !== undefined) return tf;
  const [folder, nativeFolder] = [packageDirectory(), nativeDirectory()];
  if (!folder || !nativeFolder || !existsSync(bindingFile(nativeFolder))) throw notSetUp();
  // biome-ignore lint/style/noRestrictedGlobals: the native library reads the process's own.
  const { env } = process;
  refuseDamaged(nativeFolder, env);
  if (needs !== undefined) prepareNative(needs);
  optimizesGraphs = env.TF_PEFD_GRAPH_OPTIMIZER !== "off";
  restoreRemovedNodeHelpers();
  applyLogLevel(nativeFolder);
  try {
    tf = requireTensorFlow(folder, nativeFolder);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [reason] = message.split("\n");
    const ofDevice = deviceError(message);
    if (ofDevice !== undefined) throw Object.assign(ofDevice, { cause: error });
    throw environmentError(`The native TensorFlow library did not load: ${reason}`, compileAgain(nativeFolder));
  }
  const backend = tf.backend() as unknown as { binding: NativeBinding };
  backend.binding = threadSafe(backend.binding);
  loadOwnModule(env);
  composeSoftmax(tf);
  for (const callback of whenLoaded.splice(0)) callback();
  return tf;
}

/** Runs with a fake in place of `tf`, for shape inference without the native library; it needs only what is called. */
export function withFakeTensorFlow<T>(fake: unknown, run: () => T): T {
  const real = tf;
  tf = fake as TensorFlow;
  try {
    return run();
  } finally {
    tf = real;
  }
}
