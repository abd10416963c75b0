import type { ClipMode, OptimizerName } from "../config/recipe.js";
import type { MomentumPart, OptimizerTraits, ParameterGroup } from "../distill/method.js";
import { type Scalar, type Tensor, tf, type Update, type Variable } from "../runtime/tf.js";

/** What an update takes besides gradients: scalars, fed with every step (see schedule.ts). */
export interface UpdateScalars {
  readonly learningRate: Tensor;
  /** Of SGD and RMSprop, else the first beta. */
  readonly momentum: Tensor;
  /** 1 / (1 - beta1^t) and 1 / sqrt(1 - beta2^t), t the number of this update, from 1. */
  readonly correction1: Tensor;
  readonly correction2: Tensor;
  /** Of accumulation: 1 / batches of the update, and 1 with its last batch, else 0. */
  readonly share: Tensor;
  readonly due: Tensor;
}

export interface ClipSetting {
  readonly mode: ClipMode;
  readonly most: number;
}

export interface OptimizerSetting {
  readonly name: OptimizerName;
  readonly weightDecay: number;
  readonly eps: number;
  readonly beta2: number;
}

/** One parameter's part of an update. */
interface Place extends UpdateScalars {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  /** In the order of the row's names. */
  readonly state: readonly Tensor[];
  readonly weightDecay: number;
  readonly eps: number;
  readonly beta2: number;
}

export interface OptimizerRow {
  /** torch's names of the tensors that it keeps per parameter. */
  readonly state: readonly string[];
  /** Of the first of them; 0 by default. */
  readonly initial?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  /** Largest global norm of gradients; they are scaled down to it. */
  readonly maxGradNorm?: number;
  /** @returns the new parameter, then its new state */
  step(place: Place): readonly [parameter: Tensor, ...state: Tensor[]];
}

const part = ({ state }: Place, index: number): Tensor => state[index] as Tensor;

/** Weight decay as a part of the gradient. */
const coupled = ({ gradient, parameter, weightDecay }: Place): Tensor =>
  weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(parameter, weightDecay));

/** Weight decay of the parameter itself, by the current rate. Loshchilov & Hutter, ICLR 2019, Algorithm 2. */
const decayed = ({ parameter, weightDecay, learningRate }: Place): Tensor =>
  weightDecay === 0 ? parameter : tf.mul(parameter, tf.sub(1, tf.mul(learningRate, weightDecay)));

/** from + share (to - from): torch's lerp. */
const lerp = (from: Tensor, to: Tensor, share: Tensor | number): Tensor =>
  tf.add(from, tf.mul(tf.sub(to, from), share));

const sgd = (nesterov: boolean): OptimizerRow => ({
  state: ["momentum_buffer"],
  step(place) {
    const { parameter, momentum, learningRate } = place;
    const gradient = coupled(place);
    const next = tf.add(tf.mul(part(place, 0), momentum), gradient);
    const step = nesterov ? tf.add(gradient, tf.mul(next, momentum)) : next;
    return [tf.sub(parameter, tf.mul(step, learningRate)), next];
  },
});

/** First and second moments. */
function moments(place: Place, gradient: Tensor): [first: Tensor, second: Tensor] {
  const { momentum, beta2 } = place;
  const second = tf.add(tf.mul(part(place, 1), beta2), tf.mul(tf.square(gradient), 1 - beta2));
  return [lerp(part(place, 0), gradient, tf.sub(1, momentum)), second];
}

/** Adam's direction. Kingma & Ba, ICLR 2015, Algorithm 1; epsilon outside of the root, after the correction. */
const direction = ({ correction1, correction2, eps }: Place, [first, second]: readonly [Tensor, Tensor]): Tensor =>
  tf.div(tf.mul(first, correction1), tf.add(tf.mul(tf.sqrt(second), correction2), eps));

const adam = (isDecoupled: boolean): OptimizerRow => ({
  state: ["exp_avg", "exp_avg_sq"],
  betas: [0.9, 0.999],
  eps: 1e-8,
  step(place) {
    const next = moments(place, isDecoupled ? place.gradient : coupled(place));
    const from = isDecoupled ? decayed(place) : place.parameter;
    return [tf.sub(from, tf.mul(direction(place, next), place.learningRate)), ...next];
  },
});

/** Decay of RMSprop's mean of squares: timm's, torch has 0.99. */
const ALPHA = 0.9;

const meanOfSquares = (place: Place, gradient: Tensor): Tensor => lerp(part(place, 0), tf.square(gradient), 1 - ALPHA);

const sumOfSquares = (tensor: Tensor): Tensor => tf.sum(tf.square(tensor));

const norm = (tensor: Tensor): Tensor => tf.sqrt(sumOfSquares(tensor));

/** |w| / |u|, 1 where either is 0. You et al., LAMB, ICLR 2020, Algorithm 2. */
function trustRatio(parameter: Tensor, update: Tensor): Tensor {
  const [own, step] = [norm(parameter), norm(update)];
  const both = tf.logicalAnd(tf.greater(own, 0), tf.greater(step, 0));
  return tf.where(both, tf.div(own, tf.where(both, step, tf.onesLike(step))), tf.onesLike(own));
}

/** Formulas of torch 2.13 and timm 1.0.31. */
export const OPTIMIZER_ROWS: Readonly<Record<OptimizerName, OptimizerRow>> = {
  sgd: sgd(true),
  momentum: sgd(false),
  adam: adam(false),
  adamw: adam(true),
  rmsprop: {
    state: ["square_avg", "momentum_buffer"],
    eps: 1e-8,
    step(place) {
      const { parameter, momentum, learningRate, eps } = place;
      const gradient = coupled(place);
      const squares = meanOfSquares(place, gradient);
      const next = tf.add(tf.mul(part(place, 1), momentum), tf.div(gradient, tf.add(tf.sqrt(squares), eps)));
      return [tf.sub(parameter, tf.mul(next, learningRate)), squares, next];
    },
  },
  /** TensorFlow's: squares start at 1, epsilon within the root, the rate within the momentum. */
  rmsproptf: {
    state: ["square_avg", "momentum_buffer"],
    initial: 1,
    eps: 1e-10,
    step(place) {
      const { parameter, momentum, learningRate, eps } = place;
      const gradient = coupled(place);
      const squares = meanOfSquares(place, gradient);
      const step = tf.div(tf.mul(gradient, learningRate), tf.sqrt(tf.add(squares, eps)));
      const next = tf.add(tf.mul(part(place, 1), momentum), step);
      return [tf.sub(parameter, next), squares, next];
    },
  },
  /** The trust ratio is 1 for parameters without decay. */
  lamb: {
    state: ["exp_avg", "exp_avg_sq"],
    betas: [0.9, 0.999],
    eps: 1e-6,
    maxGradNorm: 1,
    step(place) {
      const { parameter, gradient, weightDecay, learningRate } = place;
      const next = moments(place, gradient);
      const own = direction(place, next);
      const update = weightDecay === 0 ? own : tf.add(own, tf.mul(parameter, weightDecay));
      const scaled = weightDecay === 0 ? update : tf.mul(update, trustRatio(parameter, update));
      return [tf.sub(parameter, tf.mul(scaled, learningRate)), ...next];
    },
  },
  /** Chen et al., Symbolic Discovery of Optimization Algorithms, NeurIPS 2023, Algorithm 2. */
  lion: {
    state: ["exp_avg"],
    betas: [0.9, 0.99],
    step(place) {
      const { gradient, momentum, beta2, learningRate } = place;
      const sign = tf.sign(lerp(part(place, 0), gradient, tf.sub(1, momentum)));
      return [tf.sub(decayed(place), tf.mul(sign, learningRate)), lerp(part(place, 0), gradient, 1 - beta2)];
    },
  },
};

/** Square root of the sum of all squares, a scalar. */
export const globalNorm = (gradients: Gradients): Scalar => {
  const squares = gradients.flatMap((gradient) => (gradient === undefined ? [] : [sumOfSquares(gradient)]));
  return tf.sqrt(tf.sum(tf.stack(squares.length === 0 ? [tf.scalar(0)] : squares))) as Scalar;
};

/** Norm of each output unit, which is the last axis of a convolution's weight, the first of a matrix; of a whole vector. */
function unitNorm(tensor: Tensor): Tensor {
  const axes = [[0], [0], [1], [1, 2]][tensor.rank] ?? [0, 1, 2];
  return tf.sqrt(tf.sum(tf.square(tensor), axes, true));
}

type Clip = (
  gradients: Gradients,
  most: number,
  parameters: readonly Tensor[],
  spared: ReadonlySet<Tensor>,
) => Gradients;

const CLIPS: Readonly<Record<ClipMode, Clip>> = {
  /** torch.nn.utils.clip_grad_norm_ */
  norm(gradients, most) {
    const factor = tf.minimum(tf.div(most, tf.add(globalNorm(gradients), 1e-6)), 1);
    return gradients.map((gradient) => gradient && tf.mul(gradient, factor));
  },
  value: (gradients, most) => gradients.map((gradient) => gradient && tf.clipByValue(gradient, -most, most)),
  /** Adaptive gradient clipping: Brock et al., ICML 2021, equation 3, with timm's epsilons. */
  agc: (gradients, most, parameters, spared) =>
    gradients.map((gradient, i) => {
      const parameter = parameters[i] as Tensor;
      if (gradient === undefined || spared.has(parameter)) return gradient;
      const [own, bound] = [unitNorm(gradient), tf.mul(tf.maximum(unitNorm(parameter), 1e-3), most)];
      const within = tf.mul(gradient, tf.div(bound, tf.maximum(own, 1e-6)));
      return tf.where(tf.less(own, bound), gradient, within);
    }),
};

/** Clipped gradients, in the parameters' order. @param spared parameters that agc leaves out */
export const clipped = (
  parameters: readonly Tensor[],
  gradients: Gradients,
  { mode, most }: ClipSetting,
  spared: ReadonlySet<Tensor> = new Set(),
): Gradients => CLIPS[mode](gradients, most, parameters, spared);

/** Each parameter's group. */
export const groupsByParameter = (groups: readonly ParameterGroup[]): ReadonlyMap<Variable, ParameterGroup> =>
  new Map(groups.flatMap((group) => group.parameters.map((one) => [one, group])));

/** A group's learning rate. */
const rateOf = (common: Tensor, factor: number): Tensor => (factor === 1 ? common : tf.mul(common, factor));

/** A zero buffer of each parameter's shape. */
export const zeroBuffers = (parameters: readonly Variable[], name: string): Variable[] =>
  parameters.map((parameter) =>
    tf.tidy(() => tf.variable(tf.zeros(parameter.shape), false, `${parameter.name}/${name}`)),
  );

/** An optimizer's buffers: all first ones, in the parameters' order, then all second ones. */
export const createOptimizerState = (parameters: readonly Variable[], name: OptimizerName): Variable[] => {
  const made = OPTIMIZER_ROWS[name].state.flatMap((buffer) => zeroBuffers(parameters, buffer));
  resetOptimizerState(made, name);
  return made;
};

/** Initial values of buffers as createOptimizerState makes them. @param name none for the paper's SGD */
export const resetOptimizerState = (buffers: readonly Variable[], name: OptimizerName | undefined): void =>
  tf.tidy(() => {
    const { initial = 0, state } = name === undefined ? { state: [""] } : OPTIMIZER_ROWS[name];
    buffers.forEach((buffer, i) => {
      buffer.assign(tf.fill(buffer.shape, i < buffers.length / state.length ? initial : 0));
    });
  });

/**
 * A step of an optimizer, as new values.
 * @param buffers as createOptimizerState makes them
 * @param gradients in the parameters' order; undefined leaves a parameter as it is
 * @param groups with factors of the learning rate and weight decays of their own
 */
export function optimizerUpdates(
  parameters: readonly Variable[],
  buffers: readonly Variable[],
  gradients: Gradients,
  scalars: UpdateScalars,
  { name, ...setting }: OptimizerSetting,
  groups: readonly ParameterGroup[] = [],
): Update[] {
  const { maxGradNorm, state, step } = OPTIMIZER_ROWS[name];
  const groupOf = groupsByParameter(groups);
  const own = maxGradNorm === undefined ? gradients : withinNorm(gradients, maxGradNorm);
  return parameters.flatMap((parameter, i): Update[] => {
    const gradient = own[i];
    if (gradient === undefined) return [];
    const { learningRateFactor = 1, weightDecay = setting.weightDecay } = groupOf.get(parameter) ?? {};
    const learningRate = rateOf(scalars.learningRate, learningRateFactor);
    const kept = state.map((_, at) => buffers[at * parameters.length + i] as Variable);
    const [next, ...after] = step({
      ...scalars,
      ...setting,
      learningRate,
      weightDecay,
      parameter,
      gradient,
      state: kept,
    });
    return [[parameter, next], ...kept.map((buffer, at): Update => [buffer, after[at] as Tensor])];
  });
}

/** LAMB's: divided by max(1, norm / most). */
const withinNorm = (gradients: Gradients, most: number): Gradients => {
  const divisor = tf.maximum(tf.div(globalNorm(gradients), most), 1);
  return gradients.map((gradient) => gradient && tf.div(gradient, divisor));
};

export interface SgdOptions {
  readonly momentum: number;
  /** In its place, where a schedule moves it. */
  readonly movedMomentum?: Tensor;
  readonly weightDecay: number;
  /** The step is g + momentum * v in place of v. */
  readonly nesterov?: boolean;
  /** Whether the step is taken (bool); else gradients are zeros, and everything stays. By default it is. */
  readonly taken?: Scalar | undefined;
}

type Factor = number | Tensor;

/**
 * A factor, or the one that changes nothing where the step is not taken. A select for each new value would be simpler,
 * but takes more kernels: 209 instead of 191 for a step of distillation on a T4, 578 instead of 489 for a teacher's.
 */
const unless = (taken: Scalar | undefined, value: Factor, neutral: number): Factor =>
  taken === undefined ? value : tf.where(taken, value, neutral);

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
  const { nesterov = false } = options;
  const momentum = unless(options.taken, options.movedMomentum ?? options.momentum, 1);
  const settings = settingsOf(learningRate, options, groups);
  return parameters.flatMap((parameter, i): Update[] => {
    const [momentumBuffer, gradient] = [momentumBuffers[i] as Variable, gradients[i]];
    if (gradient === undefined) return [];
    const { rate, negativeDecay } = settings(parameter);
    const decayed = withDecay(gradient, parameter, negativeDecay);
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
): (parameter: Variable) => { readonly rate: Tensor; readonly negativeDecay: Factor } {
  const { taken } = options;
  const groupOf = groupsByParameter(groups);
  const common = unless(taken, learningRate, 0) as Tensor;
  const decays = new Map<number, Factor>();
  return (parameter) => {
    const { learningRateFactor = 1, weightDecay = options.weightDecay } = groupOf.get(parameter) ?? {};
    const rate = rateOf(common, learningRateFactor);
    const negativeDecay = decays.get(weightDecay) ?? unless(taken, -weightDecay, 0);
    decays.set(weightDecay, negativeDecay);
    return { rate, negativeDecay };
  };
}

/** A negated decay is subtracted, so that the graph optimizer cannot merge this sum with the next and reorder it. */
const withDecay = (gradient: Tensor, parameter: Tensor, negativeDecay: Factor): Tensor =>
  tf.sub(gradient, tf.mul(parameter, negativeDecay));

/**
 * A step of SGD with a momentum buffer for each part of the loss (Zhao et al., DOT, ICCV 2023; Huang et al., DeepKD,
 * 2025), as new values: v = (momentum + difference) * v + the part's gradient, in one of them + weightDecay * p;
 * p = p - learningRate * the sum of all v.
 * @param momentumBuffers all of the first part, then all of the next
 * @param gradients by part; a missing one counts as zeros
 */
export function splitSgdUpdates(
  parameters: readonly Variable[],
  momentumBuffers: readonly Variable[],
  gradients: readonly Gradients[],
  learningRate: Tensor,
  options: SgdOptions,
  parts: readonly MomentumPart[],
  groups: readonly ParameterGroup[] = [],
): Update[] {
  const { momentum, taken } = options;
  const momenta = parts.map(({ difference }) => unless(taken, momentum + difference, 1));
  const settings = settingsOf(learningRate, options, groups);
  return parameters.flatMap((parameter, i): Update[] => {
    if (gradients.every((ofPart) => ofPart[i] === undefined)) return [];
    const { rate, negativeDecay } = settings(parameter);
    const moved = (step: Tensor) => tf.sub(parameter, tf.mul(step, rate));
    const updates: Update[] = [];
    let step: Tensor | undefined;
    for (const [part, { decays = false }] of parts.entries()) {
      const buffer = momentumBuffers[part * parameters.length + i] as Variable;
      const carried = tf.mul(buffer, momenta[part] as Factor);
      const gradient = gradients[part]?.[i];
      const added = decays
        ? withDecay(gradient ?? tf.zerosLike(parameter), step === undefined ? parameter : moved(step), negativeDecay)
        : gradient;
      const next = added === undefined ? carried : tf.add(carried, added);
      updates.push([buffer, next]);
      step = step === undefined ? next : tf.add(step, next);
    }
    return [...updates, [parameter, moved(step as Tensor)]];
  });
}

/** Zero momentum buffers, one per parameter; an optimizer's further ones follow. */
export const createMomentumBuffers = (
  parameters: readonly Variable[],
  { momenta = [{ difference: 0 }] }: OptimizerTraits = {},
): Variable[] =>
  momenta
    .map((_, part) => ["momentum", "momentum_kd"][part] ?? `momentum_kd${part}`)
    .flatMap((name) => zeroBuffers(parameters, name));
