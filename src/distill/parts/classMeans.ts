import { addBuffer, type ModelBuilder } from "../../nn/builder.js";
import { constant } from "../../nn/initialization.js";
import type { ForwardContext } from "../../nn/model.js";
import { type Scalar, type Tensor, type Tensor2D, tf } from "../../runtime/tf.js";

/** Counts as no weight: the class has not occurred. */
const LEAST_WEIGHT = 1e-30;

/** A batch's part of an epoch's sums. */
interface Gathered {
  /** [N, classes]: each image's weight in its class's mean; 0 elsewhere. */
  readonly weighted: Tensor2D;
  /** [N, width], without gradient. */
  readonly vectors: Tensor2D;
  readonly epoch: Scalar;
}

/**
 * Weighted means by class [classes, width] of vectors of the previous epoch; 0 for a class that it did not have.
 * @param first mean of every class in the first epoch
 */
export function classMeans(make: ModelBuilder, name: string, [classes, width]: readonly [number, number], first = 0) {
  const means = addBuffer(make, name, [classes, width]);
  const sums = addBuffer(make, `${name}_sums`, [classes, width], constant(first));
  const weights = addBuffer(make, `${name}_weights`, [classes, 1], constant(first === 0 ? 0 : 1));
  const known = addBuffer(make, `${name}_epoch`, []);
  return {
    means,
    /** Adds a batch to its epoch's sums. @returns the current means */
    gather({ weighted, vectors, epoch }: Gathered, { updates }: ForwardContext): Tensor {
      const isNew = tf.notEqual(epoch, known);
      const ended = tf.div(sums, tf.maximum(weights, LEAST_WEIGHT));
      const holding = tf.where(isNew, ended, means);
      const kept = (sum: Tensor) => tf.where(isNew, tf.zerosLike(sum), sum);
      updates.push(
        [means, holding],
        [sums, tf.add(kept(sums), tf.matMul(weighted, vectors, true))],
        [weights, tf.add(kept(weights), tf.reshape(tf.sum(weighted, 0), [-1, 1]))],
        [known, epoch],
      );
      return holding;
    },
  };
}
