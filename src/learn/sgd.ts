import type { ParameterGroup } from "../distill/method.js";
import { type Tensor, tf, type Update, type Variable } from "../runtime/tf.js";

/** Hyperparameters of torch.optim.SGD. */
export interface SgdOptions {
  readonly momentum: number;
  readonly weightDecay: number;
}

/**
 * One step of torch.optim.SGD: g = gradient + weightDecay * p; v = momentum * v + g; p = p - learningRate * v.
 * The first step's v = g follows from v = 0.
 * @param gradients one per parameter; one without a gradient stays as it is
 * @param learningRate scalar tensor
 * @param groups parameters that learn otherwise
 * @returns new values of parameters and velocities; nothing is assigned
 */
export function sgdUpdates(
  parameters: readonly Variable[],
  velocities: readonly Variable[],
  gradients: readonly (Tensor | undefined)[],
  learningRate: Tensor,
  options: SgdOptions,
  groups: readonly ParameterGroup[] = [],
): Update[] {
  const { momentum } = options;
  const groupOf = new Map(groups.flatMap((group) => group.parameters.map((one) => [one, group])));
  return parameters.flatMap((parameter, i): Update[] => {
    const [velocity, gradient] = [velocities[i] as Variable, gradients[i]];
    if (gradient === undefined) return [];
    const { learningRateFactor = 1, weightDecay = options.weightDecay } =
      groupOf.get(parameter) ?? {};
    const rate = learningRateFactor === 1 ? learningRate : tf.mul(learningRate, learningRateFactor);
    // Subtracting the negated decay instead of adding keeps TensorFlow's graph optimizer from merging this sum
    // with the next one into an op whose order of summation varies from run to run.
    const decayed = tf.sub(gradient, tf.mul(parameter, -weightDecay));
    const next = tf.add(tf.mul(velocity, momentum), decayed);
    return [
      [velocity, next],
      [parameter, tf.sub(parameter, tf.mul(next, rate))],
    ];
  });
}

/** A zero velocity for each parameter. */
export const createVelocities = (parameters: readonly Variable[]): Variable[] =>
  parameters.map((parameter) =>
    tf.tidy(() => tf.variable(tf.zeros(parameter.shape), false, `${parameter.name}/momentum`)),
  );
