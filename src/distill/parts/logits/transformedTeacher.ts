import { type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";

/**
 * KL(q || p_s) of each image [N], with q the teacher's probabilities to the power l, normalised again. The student's
 * temperature is 1, and nothing is multiplied by T^2.
 * @param student logits [N, C]
 * @param teacher logits [N, C]
 */
export function transformedKL(student: Tensor2D, teacher: Tensor2D, power: number): Tensor {
  const logTeacher = tf.logSoftmax(tf.mul(teacher, power));
  const difference = tf.sub(logTeacher, tf.logSoftmax(student));
  return tf.sum(tf.mul(tf.exp(logTeacher), difference), 1);
}
