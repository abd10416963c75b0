import { type Tensor1D, type Tensor2D, tf, type Update, type Variable } from "../runtime/tf.js";
import { createMetrics, labelRanks, type MetricsVariables } from "./metrics.js";
import { oneHotLabels } from "./oneHot.js";

/** Sums as createMetrics makes them, with a count of images by label and prediction. */
export const createDetailedMetrics = (numClasses: number): MetricsVariables => ({
  ...createMetrics(),
  confusion: tf.tidy(() => tf.variable(tf.zeros([numClasses, numClasses]), false)),
});

/**
 * Adds a batch to a confusion matrix. What counts as right for top-1 is on the diagonal, so the two always agree.
 * The counts of a batch of up to 256 images are exact in bfloat16, too.
 * @param confusion [C, C], labels by predictions
 * @param logits [N, C]
 * @param oneHot [N, C]
 * @param counted [N], 1 for images that count and 0 for padding
 */
export function confusionUpdate(
  confusion: Variable,
  logits: Tensor2D,
  oneHot: Tensor2D,
  counted: Tensor1D,
): Update {
  const highest = oneHotLabels(tf.argMax(logits, 1) as Tensor1D, logits.shape[1]);
  const isHit = tf.reshape(tf.less(labelRanks(logits, oneHot), 1), [-1, 1]);
  const hit = tf.cast(isHit, "float32"); // [N, 1]
  const prediction = tf.add(tf.mul(hit, oneHot), tf.mul(tf.sub(1, hit), highest));
  const labels = tf.mul(oneHot, tf.reshape(counted, [-1, 1]));
  const batch = tf.matMul(labels as Tensor2D, prediction as Tensor2D, true, false);
  return [confusion, tf.add(confusion, batch)];
}
