import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { normalizedRows } from "./rows.js";

/**
 * How far cosines between vectors of one class differ between student and teacher: their squared differences, averaged
 * over all pairs of a class, and over the classes that have two images or more in the batch. 0 where none has (Deng and
 * Zhang, CID, NeurIPS 2021).
 * @param student [N, D]
 * @param teacher [N, E]
 * @param oneHot [N, classes]
 */
export function classRelations(student: Tensor2D, teacher: Tensor2D, oneHot: Tensor2D): Scalar {
  const cosines = (vectors: Tensor2D) => {
    const unit = normalizedRows(vectors);
    return tf.matMul(unit, unit, false, true); // [N, N]
  };
  const isSame = tf.matMul(oneHot, oneHot, false, true); // [N, N]
  const count = tf.sum(isSame, 1, true); // [N, 1], images of the same class
  const isPair = tf.cast(tf.greater(count, 1), "float32");
  const classes = tf.sum(tf.div(isPair, count));
  const share = tf.div(isPair, tf.square(count));
  const squares = tf.square(tf.sub(cosines(teacher), cosines(student)));
  const sum = tf.sum(tf.mul(tf.mul(squares, isSame), share));
  return tf.div(sum, tf.maximum(classes, 1)) as Scalar;
}
