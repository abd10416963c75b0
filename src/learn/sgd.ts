import type { OptimizerTraits, ParameterGroup } from "../distill/method.js";
import { type Tensor, tf, type Update, type Variable } from "../runtime/tf.js";

interface Schedule {
  readonly learningRate: number;
  readonly decayEpochs: readonly number[];
  readonly decayRate: number;
}

/** As the paper's adjust_learning_rate: learningRate * decayRate ** (decay epochs before this one, 1-based). */
export function learningRateAt(epoch: number, schedule: Schedule): number {
  const { learningRate, decayEpochs, decayRate } = schedule;
  const decays = decayEpochs.filter((decayEpoch) => epoch > decayEpoch).length;
  return decays === 0 ? learningRate : learningRate * decayRate ** decays;
}

export interface SgdOptions {
  readonly momentum: number;
  readonly weightDecay: number;
  /** The step is g + momentum * v in place of v. */
  readonly nesterov?: boolean;
}

/** In the parameters' order; undefined leaves a parameter as it is. */
export type Gradients = readonly (Tensor | undefined)[];

/**
 * A step of torch.optim.SGD, as new values: g = gradient + weightDecay * p; v = momentum * v + g;
 * p = p - learningRate * v; initially v = 0.
 * @param groups with their own hyperparameters
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

/** A negated decay is subtracted, so that the graph optimizer does not merge this sum with the next in any order. */
const withDecay = (gradient: Tensor, parameter: Variable, weightDecay: number): Tensor =>
  tf.sub(gradient, tf.mul(parameter, -weightDecay));

/** Of the cross entropy, and of all other terms. */
export type SplitGradients = readonly [task: Gradients, distillation: Gradients];

/**
 * A step of the Distillation-Oriented Trainer (Zhao et al., DOT, ICCV 2023), as new values:
 * v = (momentum - difference) * v + task gradient + weightDecay * p;
 * w = (momentum + difference) * w + distillation gradient; p = p - learningRate * (v + w).
 * @param momentumBuffers all v, then all w
 * @param gradients a missing one of two counts as zeros
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

/** Zero momentum buffers, one per parameter; an optimizer's second ones follow. */
export const createMomentumBuffers = (
  parameters: readonly Variable[],
  { momentumDifference }: OptimizerTraits = {},
): Variable[] =>
  (momentumDifference === undefined ? ["momentum"] : ["momentum", "momentum_kd"]).flatMap((name) =>
    parameters.map((parameter) =>
      tf.tidy(() => tf.variable(tf.zeros(parameter.shape), false, `${parameter.name}/${name}`)),
    ),
  );
