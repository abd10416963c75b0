import { flag } from "../../../common/optionRow.js";
import { type Tensor2D, tf } from "../../../runtime/tf.js";

/** Added to the deviation, as the authors' code does. */
const EPSILON = 1e-7;

/**
 * Logits of each image less their mean, divided by their deviation, which has C - 1 in its denominator (Sun et al., CVPR
 * 2024, algorithm 1).
 * @param logits [N, C]
 */
export function standardized(logits: Tensor2D): Tensor2D {
  const centred = tf.sub(logits, tf.mean(logits, 1, true));
  const variance = tf.div(tf.sum(tf.square(centred), 1, true), logits.shape[1] - 1);
  return tf.div(centred, tf.add(tf.sqrt(variance), EPSILON));
}

/** The switch of methods that compare softened logits. */
export const STANDARDIZATION = {
  lskd: flag("Standardize the logits of each image first (LSKD).", { touches: "numbers" }),
};

/** What its authors publish of every method with the switch on. */
export const LSKD = {
  paper: "Sun et al., Logit Standardization in Knowledge Distillation, CVPR 2024",
  code: "sunshangquan/logit-standardization-KD f6e5aa5",
  formula: "the method's, of (z - mean(z)) / (1e-7 + deviation(z)) of each image",
  traps: [
    "The deviation has C - 1 in its denominator, and 1e-7 is added to it, not to its square.",
  ],
  set: { lskd: true },
};

/** What a method with the switch --lskd compares: logits as they are, or standardized. */
export const comparedLogits = ({
  lskd,
}: {
  readonly lskd: boolean;
}): ((logits: Tensor2D) => Tensor2D) => (lskd ? standardized : (logits) => logits);
