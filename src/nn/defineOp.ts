import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import { onTensorFlowLoaded, type Tensor, tf } from "../runtime/tf.js";

type Named<Name extends string> = Readonly<Record<Name, Tensor>>;

/** A TensorFlow.js op made of native ones: tfjs composes some gradients of up to a dozen; one native op is faster. */
export interface OpDefinition<Input extends string, Output extends string, Saved extends Input | Output, Settings> {
  readonly name: string;
  readonly inputs: readonly Input[];
  /** Names of the outputs of `forward`, in order; gradients are those of the first. */
  readonly outputs: readonly Output[];
  /** The inputs and outputs that the gradient needs. */
  readonly saved: readonly Saved[];
  readonly forward: (inputs: Named<Input>, settings: Settings) => Tensor[];
  /** Gradient of each differentiable input from that of the first output. */
  readonly gradient: (dy: Tensor, saved: Named<Saved>, settings: Settings) => Partial<Record<Input, () => Tensor>>;
}

type Kernel = (inputs: Named<string>, settings: object) => Tensor[];

const KERNELS = new Map<string, Kernel>();

/** Runs the native call of one of our ops by its kernel's name, without gradients. */
export const runForward: (name: string, ...call: Parameters<Kernel>) => Tensor[] = (name, ...call) =>
  (KERNELS.get(name) as Kernel)(...call);

const named = <Name extends string>(names: readonly Name[], tensors: readonly Tensor[]) =>
  Object.fromEntries(names.map((name, i) => [name, tensors[i]])) as Named<Name>;

/** Registers an op with its gradient, once TensorFlow is loaded. @returns it, from inputs and settings to outputs */
export function defineOp<
  const Input extends string,
  const Output extends string,
  const Saved extends Input | Output,
  Settings extends object = object,
>(op: OpDefinition<Input, Output, Saved, Settings>) {
  const kernelName = `pefd.${op.name}`;
  const isSaved = (name: Input | Output): boolean => (op.saved as readonly (Input | Output)[]).includes(name);
  const saved = [...op.inputs, ...op.outputs].filter(isSaved) as Saved[];
  KERNELS.set(kernelName, op.forward as unknown as Kernel);
  onTensorFlowLoaded(() => {
    tf.registerKernel({
      kernelName,
      backendName: "tensorflow",
      kernelFunc: ({ inputs, attrs }) => op.forward(inputs as Named<Input>, attrs as unknown as Settings),
    });
    tf.registerGradient({
      kernelName,
      inputsToSave: op.inputs.filter(isSaved),
      outputsToSave: op.outputs.map(isSaved),
      gradFunc: (dy, tensors, attrs) =>
        op.gradient(
          Array.isArray(dy) ? (dy[0] as Tensor) : dy,
          named(saved, tensors),
          attrs as unknown as Settings,
        ) as Record<string, () => Tensor>,
    });
  });
  return (inputs: Named<Input>, settings = {} as Settings): Named<Output> => {
    const result = tf.engine().runKernel(kernelName, { ...inputs }, settings as never);
    return named(op.outputs, Array.isArray(result) ? result : [result]);
  };
}

/** Runs a native op of float32 tensors with one output. */
export const floatOp = (name: string, ...inputs: Tensor[]): Tensor =>
  nativeBackend().executeSingleOutput(name, [typeAttribute("T", DT.float)], inputs);

/** An op of one float32 tensor, by one native op forward. @param saved what the gradient gets beside dy */
export const defineUnary = (
  name: string,
  forward: string,
  saved: "x" | "y",
  gradient: (dy: Tensor, saved: Tensor) => Tensor,
) =>
  defineOp({
    name,
    inputs: ["x"],
    outputs: ["y"],
    saved: [saved],
    forward: ({ x }) => [floatOp(forward, x)],
    gradient: (dy, { [saved]: kept }) => ({ x: () => gradient(dy, kept as Tensor) }),
  });
