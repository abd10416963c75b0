import type { Precision } from "../config/options.js";
import type { StateEntry } from "../nn/model.js";
import { type Scalar, type Tensor, tf, type Update, type Variable } from "../runtime/tf.js";

/**
 * Dynamic loss scaling as PyTorch's GradScaler (torch.amp, with its defaults): float16 loses gradients below 6e-8, so the
 * loss is multiplied before they are computed, and they are divided after. Where one is infinite or NaN the step is
 * skipped and the scale becomes smaller; after a number of steps without it becomes larger.
 * Micikevicius et al., Mixed Precision Training, ICLR 2018, section 3.2.
 */
export interface LossScale {
  /** Scalars of the state of a run: the scale, and the steps since it last changed. */
  readonly scale: Variable;
  readonly goodSteps: Variable;
  readonly interval: number;
}

const INITIAL = 65536;
const GROWTH = 2;
const BACKOFF = 0.5;
const INTERVAL = 2000;

/** PyTorch's names in GradScaler.state_dict(). */
const NAMES = { scale: "scale", goodSteps: "_growth_tracker" } as const;

/** @param interval steps until it grows */
export function createLossScale(interval: number = INTERVAL): LossScale {
  const scalar = (value: number) => tf.tidy(() => tf.variable(tf.scalar(value), false));
  return { scale: scalar(INITIAL), goodSteps: scalar(0), interval };
}

/** A learner with loss scaling where its products are float16, in all phases. */
export function withLossScale<
  Learner extends { readonly phases?: readonly { readonly learner: object }[] | undefined },
>(learner: Learner, precision: Precision): Learner {
  if (precision !== "float16") return learner;
  const lossScale = createLossScale();
  const phases = learner.phases?.map((phase) => ({ ...phase, learner: { ...phase.learner, lossScale } }));
  return { ...learner, lossScale, ...(phases && { phases }) };
}

/** Its state, as for files; none without. */
export const lossScaleState = (lossScale: LossScale | undefined): StateEntry[] =>
  lossScale === undefined
    ? []
    : Object.entries(NAMES).map(([key, name]) => {
        return { name, role: "buffer", shape: [], variable: lossScale[key as keyof typeof NAMES] };
      });

export interface Unscaled {
  /** Whether all gradients are finite, so that the step is taken (bool). */
  readonly taken: Scalar;
  /** Divided by the scale, or zeros where the step is skipped. */
  unscaled(gradient: Tensor): Tensor;
  /** The scale's new state. */
  readonly updates: readonly Update[];
}

/** Judges the gradients of a scaled loss. @param gradients all that the optimizer takes */
export function unscale({ scale, goodSteps, interval }: LossScale, gradients: readonly Tensor[]): Unscaled {
  const finite = gradients.map((gradient) => tf.min(tf.cast(tf.isFinite(gradient), "float32")));
  const taken = tf.greater(tf.min(tf.stack(finite)), 0) as Scalar;
  const inverse = tf.div(1, scale);
  const steps = tf.add(goodSteps, 1);
  const grows = tf.equal(steps, interval);
  const larger = tf.mul(scale, GROWTH);
  const grown = tf.where(tf.logicalAnd(grows, tf.isFinite(larger)), larger, scale);
  return {
    taken,
    unscaled: (gradient) => tf.where(taken, tf.mul(gradient, inverse), tf.zerosLike(gradient)),
    updates: [
      [scale, tf.where(taken, grown, tf.mul(scale, BACKOFF))],
      [goodSteps, tf.where(tf.logicalAnd(taken, tf.logicalNot(grows)), steps, tf.zerosLike(steps))],
    ],
  };
}
