import type { OptimizerTraits, ParameterGroup } from "../distill/method.js";
import { type Tensor, tf, type Update, type Variable } from "../runtime/tf.js";

/** Step decay of the learning rate. */
interface Schedule {
  readonly learningRate: number;
  readonly decayEpochs: readonly number[];
  readonly decayRate: number;
}

/**
 * The learning rate of an epoch, as the paper's adjust_learning_rate: learningRate * decayRate ** n with n the number
 * of decay epochs before this one.
 * @param epoch 1-based
 */
export function learningRateAt(epoch: number, schedule: Schedule): number {
  const { learningRate, decayEpochs, decayRate } = schedule;
  const decays = decayEpochs.filter((decayEpoch) => epoch > decayEpoch).length;
  return decays === 0 ? learningRate : learningRate * decayRate ** decays;
}

/** Hyperparameters of torch.optim.SGD. */
export interface SgdOptions {
  readonly momentum: number;
  readonly weightDecay: number;
  /** The step is g + momentum * v in place of v. */
  readonly nesterov?: boolean;
}

/** Gradients of the parameters, in their order; one without a gradient stays as it is. */
export type Gradients = readonly (Tensor | undefined)[];

/**
 * One step of torch.optim.SGD: g = gradient + weightDecay * p; v = momentum * v + g; p = p - learningRate * v.
 * The first step's v = g follows from v = 0.
 * @param gradients one per parameter; one without a gradient stays as it is
 * @param learningRate scalar tensor
 * @param groups parameters with their own hyperparameters
 * @returns new values of parameters and momentum buffers; nothing is assigned
 */
export function sgdUpdates(
  parameters: readonly Variable[],
  momentumBuffers: readonly Variable[],
  gradients: Gradients,
  learningRate: Tensor,
  options: SgdOptions,
  groups: readonly ParameterGroup[] = [],
): Update[] {
  const { momentum, nesterov = false } = options;
  const settings = settingsOf(learningRate, options, groups);
  return parameters.flatMap((parameter, i): Update[] => {
    const [momentumBuffer, gradient] = [momentumBuffers[i] as Variable, gradients[i]];
    if (gradient === undefined) return [];
    const { rate, weightDecay } = settings(parameter);
    const decayed = withDecay(gradient, parameter, weightDecay);
    const next = tf.add(tf.mul(momentumBuffer, momentum), decayed);
    const step = nesterov ? tf.add(decayed, tf.mul(next, momentum)) : next;
    return [
      [momentumBuffer, next],
      [parameter, tf.sub(parameter, tf.mul(step, rate))],
    ];
  });
}

/** Learning rate and weight decay of a parameter. */
function settingsOf(
  learningRate: Tensor,
  options: SgdOptions,
  groups: readonly ParameterGroup[],
): (parameter: Variable) => { readonly rate: Tensor; readonly weightDecay: number } {
  const groupOf = new Map(groups.flatMap((group) => group.parameters.map((one) => [one, group])));
  return (parameter) => {
    const { learningRateFactor = 1, weightDecay = options.weightDecay } = groupOf.get(parameter) ?? {};
    const rate = learningRateFactor === 1 ? learningRate : tf.mul(learningRate, learningRateFactor);
    return { rate, weightDecay };
  };
}

/**
 * The gradient with weight decay. Subtracting the negated decay instead of adding keeps TensorFlow's graph optimizer from
 * merging this sum with the next one into an op with a varying reduction order.
 */
const withDecay = (gradient: Tensor, parameter: Variable, weightDecay: number): Tensor =>
  tf.sub(gradient, tf.mul(parameter, -weightDecay));

/** Gradients of the cross entropy, and of all other terms. */
export type SplitGradients = readonly [task: Gradients, distillation: Gradients];

/**
 * One step of the Distillation-Oriented Trainer (Zhao et al., DOT, ICCV 2023): v = (momentum - difference) * v +
 * gradient of the task + weightDecay * p; w = (momentum + difference) * w + gradient of the distillation;
 * p = p - learningRate * (v + w).
 * @param momentumBuffers v of every parameter, then w of every parameter
 * @param gradients a parameter that has only one of the two takes zeros for the other
 * @returns new values of parameters and momentum buffers; nothing is assigned
 */
export function splitSgdUpdates(
  parameters: readonly Variable[],
  momentumBuffers: readonly Variable[],
  [task, distillation]: SplitGradients,
  learningRate: Tensor,
  options: SgdOptions,
  difference: number,
  groups: readonly ParameterGroup[] = [],
): Update[] {
  const { momentum } = options;
  const settings = settingsOf(learningRate, options, groups);
  return parameters.flatMap((parameter, i): Update[] => {
    const [ofTask, ofDistillation] = [task[i], distillation[i]];
    if (ofTask === undefined && ofDistillation === undefined) return [];
    const { rate, weightDecay } = settings(parameter);
    const [v, w] = [momentumBuffers[i], momentumBuffers[parameters.length + i]] as [Variable, Variable];
    const decayed = withDecay(ofTask ?? tf.zerosLike(parameter), parameter, weightDecay);
    const nextTask = tf.add(tf.mul(v, momentum - difference), decayed);
    const carried = tf.mul(w, momentum + difference);
    const next = ofDistillation === undefined ? carried : tf.add(carried, ofDistillation);
    return [
      [v, nextTask],
      [w, next],
      [parameter, tf.sub(parameter, tf.mul(tf.add(nextTask, next), rate))],
    ];
  });
}

/** Zero momentum buffers: one for each parameter, and where the optimizer has two, the second ones after them. */
export const createMomentumBuffers = (
  parameters: readonly Variable[],
  { momentumDifference }: OptimizerTraits = {},
): Variable[] =>
  (momentumDifference === undefined ? ["momentum"] : ["momentum", "momentum_kd"]).flatMap((name) =>
    parameters.map((parameter) =>
      tf.tidy(() => tf.variable(tf.zeros(parameter.shape), false, `${parameter.name}/${name}`)),
    ),
  );
