import { type Scalar, type Tensor, tf, type Variable } from "../runtime/tf.js";

/** A loss, its gradients, and tensors of the forward pass that are needed afterwards. */
export interface GradientResult<T> {
  readonly loss: Scalar;
  /** One gradient per variable, in their order; undefined where the loss does not depend on it. */
  readonly gradients: readonly (Tensor | undefined)[];
  readonly kept: T;
}

/** What the loss function returns: the scalar, what to keep, and the tensors inside of what is kept. */
export interface Forward<T> {
  readonly loss: Scalar;
  readonly kept: T;
  readonly tensors: readonly Tensor[];
}

/**
 * Gradients of a scalar. tfjs disposes of every tensor made inside a differentiated function; those that `forward`
 * lists survive into the caller's tidy, which disposes of them in turn.
 */
export function gradientsOf<T>(
  forward: () => Forward<T>,
  variables: readonly Variable[],
): GradientResult<T> {
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

/** Undoes tf.keep: the tensor belongs to the current tidy again. */
function releaseToScope(tensor: Tensor): void {
  tensor.kept = false;
  (tf.engine() as unknown as { track(tensor: Tensor): void }).track(tensor);
}
