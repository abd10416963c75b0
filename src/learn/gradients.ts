import { type Scalar, type Tensor, tf, type Variable } from "../runtime/tf.js";

export interface GradientResult<T> {
  readonly loss: Scalar;
  /** One per variable, in order; undefined where the loss does not depend on it. */
  readonly gradients: readonly (Tensor | undefined)[];
  readonly kept: T;
}

/** The loss, kept values, and the tensors in them. */
export interface Forward<T> {
  readonly loss: Scalar;
  readonly kept: T;
  readonly tensors: readonly Tensor[];
}

/** Gradients of a scalar. tfjs disposes of a differentiated function's tensors, except those listed by `forward`. */
export function gradientsOf<T>(forward: () => Forward<T>, variables: readonly Variable[]): GradientResult<T> {
  let result: Forward<T> | undefined;
  const { value, grads } = tf.variableGrads(() => {
    result = forward();
    for (const tensor of new Set(result.tensors)) tf.keep(tensor);
    return result.loss;
  }, [...variables]);
  const { kept, tensors } = result as unknown as Forward<T>;
  for (const tensor of new Set(tensors)) releaseToScope(tensor);
  const gradients = variables.map((variable) => grads[variable.name] ?? undefined);
  return { loss: value, gradients, kept };
}

export interface PartGradients<T> {
  /** Per part and variable, in order; undefined where a part does not depend on it. */
  readonly gradients: readonly (readonly (Tensor | undefined)[])[];
  readonly kept: T;
}

/** Gradients of several scalars of one forward pass, from one tape. @param forward as for gradientsOf */
export function gradientsOfParts<T>(
  forward: () => Omit<Forward<T>, "loss"> & { readonly parts: readonly Scalar[] },
  variables: readonly Variable[],
): PartGradients<T> {
  const engine = tf.engine() as unknown as RecordingEngine;
  const survivors = new Set<Tensor>();
  let result: PartGradients<T> | undefined;
  const record = (): Scalar => {
    const { parts, kept, tensors } = forward();
    const gradients = parts.map((part) => engine.gradients(() => part, variables, undefined, true).grads);
    result = { gradients: gradients.map((one) => one.map((found) => found ?? undefined)), kept };
    for (const tensor of [...tensors, ...gradients.flat()]) if (tensor) survivors.add(tensor);
    for (const tensor of survivors) tf.keep(tensor);
    return tf.scalar(0); // no variable reaches it: the outer record is only to stand
  };
  engine.gradients(record, variables, undefined, true).value.dispose();
  for (const tensor of survivors) releaseToScope(tensor);
  return result as unknown as PartGradients<T>;
}

/** tfjs's nesting of tapes, of which tf.variableGrads is made. */
interface RecordingEngine {
  gradients(
    forward: () => Scalar,
    variables: readonly Variable[],
    dy: undefined,
    allowNoGradients: boolean,
  ): { readonly value: Scalar; readonly grads: readonly (Tensor | null | undefined)[] };
}

/** Undoes tf.keep: the current tidy owns the tensor again. */
function releaseToScope(tensor: Tensor): void {
  tensor.kept = false;
  (tf.engine() as unknown as { track(tensor: Tensor): void }).track(tensor);
}
