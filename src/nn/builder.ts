import type { Random } from "../common/random.js";
import { permute4 } from "../common/shapes.js";
import { tf, type Variable } from "../runtime/tf.js";
import type { Role, StateEntry } from "./model.js";

export interface TensorDescription {
  readonly name: string;
  readonly role: Role;
  /** PyTorch's shape. */
  readonly shape: readonly number[];
  /** Inputs per output of the layer that the tensor belongs to. */
  readonly fanIn: number;
  /** Position in the state_dict. */
  readonly position: number;
  /** Overrides the role's default initialization. */
  readonly initializer?: Initializer;
}

/** Random initial values of one tensor, in PyTorch's layout. */
export type Initializer = (tensor: TensorDescription, random: Random) => Float32Array;

/** Initial values of a tensor, in PyTorch's layout. */
export type Fill = (tensor: TensorDescription) => Float32Array;

/** Initial values of a model's tensors, or zeros until a checkpoint is loaded. */
export type FirstValues = Fill | "zeros";

/** Collects the state of a model while its layers are made, in PyTorch's registration order. */
export interface ModelBuilder {
  /** Prefix of the variables' names, unique in the process. */
  readonly scope: string;
  /** @param shape the variable's own shape */
  readonly makeVariable: (tensor: TensorDescription, shape: readonly number[]) => Variable;
  readonly state: StateEntry[];
  /** Makes folded weights where a layer has them; see freeze in fold.ts. */
  readonly folds: (() => Variable[])[];
}

let modelsMade = 0;

/** An empty builder. Two models of one name do not collide. */
export function createBuilder(modelName: string, first: FirstValues): ModelBuilder {
  const scope = `${modelName}.${modelsMade++}`;
  const makeVariable: ModelBuilder["makeVariable"] = (tensor, variableShape) => {
    const { name, role, shape } = tensor;
    const initial =
      first === "zeros"
        ? tf.zeros([...variableShape])
        : tf.tensor(toNativeLayout(role, first(tensor), shape), [...variableShape], "float32");
    const variable = tf.variable(initial, isParameter(role), `${scope}/${name}`);
    initial.dispose();
    return variable;
  };
  return { scope, makeVariable, state: [], folds: [] };
}

/** Running statistics are state that no optimizer touches. */
export const isStatistic = (role: Role): boolean => role === "bn.running_mean" || role === "bn.running_var";

/** num_batches_tracked, which is counted on the host. */
export const isCounter = (role: Role): boolean => role === "bn.num_batches_tracked";

/** State that only steps write: saved for resuming, not part of a model's weights. */
export const isBuffer = (role: Role): boolean => role === "buffer";

/** Whether an optimizer updates it. */
export const isParameter = (role: Role): boolean => !isStatistic(role) && !isCounter(role) && !isBuffer(role);

/** Our layout of a tensor of a role: OIHW becomes HWIO, everything else stays as PyTorch has it. */
function nativeShape(role: Role, shape: readonly number[]): number[] {
  if (role !== "conv.weight") return [...shape];
  const [outputs, inputs, height, width] = shape as [number, number, number, number];
  return [height, width, inputs, outputs];
}

/** Values from PyTorch's layout into ours. */
export const toNativeLayout = (role: Role, values: Float32Array, shape: readonly number[]): Float32Array =>
  role === "conv.weight" ? permute4(values, shape, [2, 3, 1, 0]) : values;

/** Values from our layout into PyTorch's; `shape` is PyTorch's. */
export const toPyTorchLayout = (role: Role, values: Float32Array, shape: readonly number[]): Float32Array =>
  role === "conv.weight" ? permute4(values, nativeShape(role, shape), [3, 2, 0, 1]) : values;

/** Adds a tensor of PyTorch's shape. @param variableShape where it differs from nativeShape (depthwise filters) */
export function addVariable(
  builder: ModelBuilder,
  tensor: Omit<TensorDescription, "position">,
  variableShape: readonly number[] = nativeShape(tensor.role, tensor.shape),
): Variable {
  const { name, role, shape } = tensor;
  const description = { ...tensor, position: builder.state.length };
  const variable = builder.makeVariable(description, variableShape);
  builder.state.push({ name, role, shape, variable });
  return variable;
}

/** Adds a trainable tensor outside of layers, such as a temperature. */
export const addParameter = (
  builder: ModelBuilder,
  name: string,
  shape: readonly number[],
  initializer: Initializer,
): Variable => addVariable(builder, { name, shape, role: "parameter", fanIn: 1, initializer });

/** Adds a buffer, zeros by default: a tensor that steps update (ForwardContext.updates) without a gradient. */
export const addBuffer = (
  builder: ModelBuilder,
  name: string,
  shape: readonly number[],
  initializer?: Initializer,
): Variable =>
  addVariable(builder, { name, shape, role: "buffer", fanIn: 1, ...(initializer !== undefined && { initializer }) });

/** Adds a counter to the model's state; the trainer holds its value. */
export function addCounter(builder: ModelBuilder, name: string): void {
  builder.state.push({ name, role: "bn.num_batches_tracked", shape: [], variable: undefined });
}
