import { type Scalar, type Tensor, tf, type Variable } from "../runtime/tf.js";

/** A loss, its gradients, and tensors kept from the forward pass. */
export interface GradientResult<T> {
  readonly loss: Scalar;
  /** One gradient per variable, in their order; undefined where the loss does not depend on it. */
  readonly gradients: readonly (Tensor | undefined)[];
  readonly kept: T;
}

/** Outputs of the loss function: the scalar, the kept values, and the tensors in them. */
export interface Forward<T> {
  readonly loss: Scalar;
  readonly kept: T;
  readonly tensors: readonly Tensor[];
}

/**
 * Gradients of a scalar. tfjs disposes of every tensor made in a differentiated function; those that `forward`
 * lists survive into the caller's tidy.
 */
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

/** Losses with the gradients of each. */
export interface PartGradients<T> {
  /** For each part one gradient per variable, in their order; undefined where it does not depend on it. */
  readonly gradients: readonly (readonly (Tensor | undefined)[])[];
  readonly kept: T;
}

/**
 * Separate gradients of several scalars of one forward pass, all from one tape.
 * @param forward as for gradientsOf, with several scalars
 */
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

/** The part of tfjs's engine that nests records; tf.variableGrads is made of it. */
interface RecordingEngine {
  gradients(
    forward: () => Scalar,
    variables: readonly Variable[],
    dy: undefined,
    allowNoGradients: boolean,
  ): { readonly value: Scalar; readonly grads: readonly (Tensor | null | undefined)[] };
}

/** Undoes tf.keep: the tensor belongs to the current tidy again. */
function releaseToScope(tensor: Tensor): void {
  tensor.kept = false;
  (tf.engine() as unknown as { track(tensor: Tensor): void }).track(tensor);
}
