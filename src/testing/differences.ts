import { ok } from "node:assert/strict";
import { createRandom } from "../common/random.js";
import { gradientsOf } from "../learn/gradients.js";
import { type Scalar, type Tensor, tf, type Variable } from "../runtime/tf.js";

/** By how much of its own size a tensor is moved each way; the one that agrees best counts. */
const STEPS = [1e-2, 3e-3, 3e-2, 1e-3];

/** By how much what a gradient foretells may be off: of its size, and besides. */
interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** Relative error that single precision, and the kinks of ReLUs, may leave: along the gradient, and elsewhere. */
const TOLERANCE = { along: 0.02, across: 0.05 };

/** By how many roundings of its own a loss in single precision may be off: what moves it by no more is not told apart. */
const ROUNDINGS = 8 * 2 ** -24;

/** Below this part of all gradients together, a tensor's gradient is rounding noise. */
const NOISE = 1e-3;

const dot = (x: Float32Array, y: Float32Array): number =>
  x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);

const norm = (x: Float32Array): number => Math.sqrt(dot(x, x));

const scaled = (x: Float32Array, length: number): Float32Array => {
  const factor = length / (norm(x) || 1);
  return x.map((value) => value * factor);
};

/** A tensor that a loss depends on, under a name for people. */
export interface Moved {
  readonly what: string;
  readonly variable: Variable;
}

const numberOf = (loss: () => Scalar): number => tf.tidy(() => loss().dataSync()[0] as number);

/** (f(x + d) - f(x - d)) / 2. */
function halfDifference(loss: () => Scalar, variable: Variable, direction: Float32Array): number {
  const start = variable.dataSync().slice() as Float32Array;
  const at = (sign: number) => {
    const values = start.map((value, i) => value + sign * (direction[i] as number));
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape) as Tensor));
    return numberOf(loss);
  };
  const difference = (at(1) - at(-1)) / 2;
  tf.tidy(() => variable.assign(tf.tensor(start, variable.shape) as Tensor));
  return difference;
}

/** Whether a tensor's gradient foretells what moving it does, for some step. */
function agrees(
  loss: () => Scalar,
  { what, variable }: Moved,
  gradient: Float32Array,
  direction: Float32Array,
  { relative, absolute }: Tolerance,
): void {
  const size = norm(variable.dataSync() as Float32Array) || 1;
  const errors = STEPS.map((step) => {
    const moved = scaled(direction, step * size);
    const [told, found] = [dot(gradient, moved), halfDifference(loss, variable, moved)];
    const scale = Math.max(Math.abs(told), Math.abs(found), NOISE * norm(gradient) * norm(moved));
    return { error: Math.max(0, Math.abs(told - found) - absolute) / scale, told, found };
  });
  const best = errors.reduce((a, b) => (b.error < a.error ? b : a));
  ok(
    best.error <= relative,
    `the gradient of ${what} says that the loss moves by ${best.told.toExponential(3)}, and it moves by ${best.found.toExponential(3)}`,
  );
}

/**
 * Holds the gradients of a loss against differences of its values, along the gradient and in a random direction of each
 * tensor. One that is cut off on purpose (`detached`) differs, and has to be left out.
 * @throws AssertionError that names the tensor
 */
export function checkDifferences(loss: () => Scalar, moved: readonly Moved[]): void {
  const gradients = tf.tidy(() => {
    const variables = moved.map(({ variable }) => variable);
    const found = gradientsOf(() => ({ loss: loss(), kept: undefined, tensors: [] }), variables);
    return found.gradients.map(
      (gradient) => gradient?.dataSync().slice() as Float32Array | undefined,
    );
  });
  const most = Math.max(...gradients.map((gradient) => (gradient ? norm(gradient) : 0)));
  ok(most > 0, "the loss has a gradient");
  const absolute = ROUNDINGS * Math.abs(numberOf(loss));
  for (const [i, gradient] of gradients.entries()) {
    const one = moved[i] as Moved;
    if (gradient === undefined || norm(gradient) < NOISE * most) continue;
    const random = createRandom(1, "direction", one.what);
    const across = gradient.map(() => random.normal());
    agrees(loss, one, gradient, gradient, { relative: TOLERANCE.along, absolute });
    agrees(loss, one, gradient, across, { relative: TOLERANCE.across, absolute });
  }
}
