import { type Scalar, type Tensor, type Tensor2D, tf } from "../runtime/tf.js";

/** Logits of which one class is told apart. */
export interface Marked {
  /** [N, C] */
  readonly logits: Tensor2D;
  /** [N, C], a one for the class that is told apart */
  readonly one: Tensor2D;
}

/** What a probability is at least under a logarithm; less is zero in single precision, and its logarithm infinite. */
const LEAST = 1e-37;

/**
 * T^2 times the mean over N of KL(teacher || student) of "that class" against "any other one", softened by T. As the
 * authors of DKD have it, with the logarithm of probabilities, not of logits.
 */
export function binaryKL(student: Marked, teacher: Marked, temperature: number): Scalar {
  const split = ({ logits, one }: Marked): [Tensor, Tensor] => {
    const p = tf.softmax(tf.div(logits, temperature));
    return [tf.sum(tf.mul(p, one), 1), tf.sum(tf.mul(p, tf.sub(1, one)), 1)];
  };
  const [ours, theirs] = [split(student), split(teacher)];
  const log = (p: Tensor) => tf.log(tf.maximum(p, LEAST));
  const part = (p: Tensor, q: Tensor) => tf.mul(p, tf.sub(log(p), log(q)));
  const sum = tf.add(part(theirs[0], ours[0]), part(theirs[1], ours[1]));
  return tf.mul(tf.mean(sum), temperature ** 2) as Scalar;
}
