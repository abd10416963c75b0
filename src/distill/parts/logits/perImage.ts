import { type Tensor, type Tensor1D, type Tensor2D, tf } from "../../../runtime/tf.js";

/**
 * T^2 times KL(teacher || student) of each row of logits, softened by T.
 * @param student logits [N, C]
 * @param teacher logits [N, C], without gradient
 * @returns [N]
 */
export function klOfEach(student: Tensor2D, teacher: Tensor2D, temperature: number): Tensor1D {
  const logStudent = tf.logSoftmax(tf.div(student, temperature));
  const logTeacher = tf.logSoftmax(tf.div(teacher, temperature));
  const perClass = tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)); // [N, C]
  return tf.mul(tf.sum(perClass, 1), temperature ** 2) as Tensor1D;
}

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
 * T^2 times KL(teacher || student) of "that class" against "any other one" for each row, softened by T. As the authors of DKD
 * have it, with the logarithm of probabilities, not of logits.
 * @returns [N]
 */
export function binaryKLOfEach(student: Marked, teacher: Marked, temperature: number): Tensor1D {
  const split = ({ logits, one }: Marked): [Tensor, Tensor] => {
    const p = tf.softmax(tf.div(logits, temperature));
    return [tf.sum(tf.mul(p, one), 1), tf.sum(tf.mul(p, tf.sub(1, one)), 1)];
  };
  const [ours, theirs] = [split(student), split(teacher)];
  const log = (p: Tensor) => tf.log(tf.maximum(p, LEAST));
  const part = (p: Tensor, q: Tensor) => tf.mul(p, tf.sub(log(p), log(q)));
  const sum = tf.add(part(theirs[0], ours[0]), part(theirs[1], ours[1]));
  return tf.mul(sum, temperature ** 2) as Tensor1D;
}
