import { onTensorFlowLoaded, type Tensor, tf } from "../runtime/tf.js";

/**
 * Our own kernels on the native backend. tfjs composes some gradients of several ops (ReLU of three, batch
 * normalisation of a dozen); TensorFlow has one native op for each, and one op is both faster and, traced,
 * one node.
 */
export interface KernelDescription {
  readonly name: string;
  /** Names of the inputs, in the order that `forward` receives them. */
  readonly inputs: readonly string[];
  /** The native call. */
  readonly forward: (inputs: Tensor[], settings: Settings) => Tensor[];
  /** Names of inputs and positions of outputs that the gradient needs, in the order it receives them. */
  readonly save: { readonly inputs: readonly string[]; readonly outputs: readonly number[] };
  /** Gradient of each differentiable input from that of the first output. */
  readonly gradient: (
    dy: Tensor,
    saved: Tensor[],
    settings: Settings,
  ) => Record<string, () => Tensor>;
}

/** Attributes of a kernel call: plain numbers, strings, booleans and lists of them. */
export type Settings = Readonly<Record<string, unknown>>;

/**
 * Registers a kernel with its gradient, once TensorFlow is loaded.
 * @returns the op: runs the kernel on its inputs (in order) so that tfjs can differentiate through it
 */
export function defineOp(
  kernel: KernelDescription,
): (inputs: readonly Tensor[], settings: Settings) => Tensor[] {
  onTensorFlowLoaded(() => {
    tf.registerKernel({
      kernelName: kernel.name,
      backendName: "tensorflow",
      kernelFunc: ({ inputs, attrs }) => {
        const ordered = kernel.inputs.map((name) => inputs[name] as Tensor);
        return kernel.forward(ordered, (attrs ?? {}) as Settings);
      },
    });
    tf.registerGradient({
      kernelName: kernel.name,
      inputsToSave: [...kernel.save.inputs],
      outputsToSave: outputFlags(kernel.save.outputs),
      gradFunc: (dy, saved, attrs) =>
        kernel.gradient(Array.isArray(dy) ? (dy[0] as Tensor) : dy, saved, attrs as Settings),
    });
  });
  return (inputs, settings) => {
    const named = Object.fromEntries(kernel.inputs.map((name, i) => [name, inputs[i] as Tensor]));
    const result = tf.engine().runKernel(kernel.name, named, settings as never);
    return Array.isArray(result) ? result : [result];
  };
}

/** tfjs wants a flag per output; positions past the last flag are not saved. */
function outputFlags(positions: readonly number[]): boolean[] {
  const flags = new Array<boolean>(Math.max(-1, ...positions) + 1).fill(false);
  for (const position of positions) flags[position] = true;
  return flags;
}
