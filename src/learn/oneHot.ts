import { type Tensor1D, type Tensor2D, tf } from "../runtime/tf.js";

/** Labels as rows of zeros with a one. @returns [N, classes] float32 */
export const oneHotLabels = (labels: Tensor1D, numClasses: number): Tensor2D => {
  const classes = tf.range(0, numClasses, 1, "int32");
  const rows = tf.reshape(labels, [-1, 1]);
  return tf.cast(tf.equal(rows, classes), "float32") as Tensor2D;
};
