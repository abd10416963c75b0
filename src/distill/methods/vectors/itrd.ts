import { number } from "../../../common/optionRow.js";
import { linear } from "../../../nn/layers.js";
import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { normalizedRows } from "../../parts/losses.js";

/** Squared divisor of constant channels, in place of zero. */
const LEAST_VARIANCE = 1e-24;

/** Standardised columns of x [N, C]; variances over N - 1, as torch.std. */
function standardizedColumns(x: Tensor2D): Tensor2D {
  const centred = tf.sub(x, tf.mean(x, 0, true));
  const variance = tf.div(tf.sum(tf.square(centred), 0, true), x.shape[0] - 1);
  return tf.div(centred, tf.sqrt(tf.maximum(variance, LEAST_VARIANCE))) as Tensor2D;
}

/** log2 of the sum over channels of (1 - r)^(2 alpha), r the correlation of channels of x and y, both [N, C]. */
function correlationLoss(x: Tensor2D, y: Tensor2D, alpha: number): Scalar {
  const products = tf.mul(standardizedColumns(x), standardizedColumns(y));
  const correlation = tf.div(tf.sum(products, 0), x.shape[0]); // [C]
  const sum = tf.sum(tf.pow(tf.square(tf.sub(correlation, 1)), alpha));
  return tf.div(tf.log(sum), Math.LN2) as Scalar;
}

/** Cosines between images [N, N]. */
const cosines = (features: Tensor2D): Tensor2D => {
  const unit = normalizedRows(features);
  return tf.matMul(unit, unit, false, true);
};

/** Sum of squares of a Gram matrix [N, N] over its trace. */
const energy = (gram: Tensor2D, trace: Scalar): Scalar => tf.sum(tf.square(tf.div(gram, trace)));

/** Sum of (G_s / tr G_s)^2 - (G_st / tr G_st)^2, G cosines between images, G_st = G_s * G_t. Both [N, C]. */
function mutualLoss(x: Tensor2D, y: Tensor2D): Scalar {
  const student = cosines(x);
  const joint = tf.mul(student, cosines(y)) as Tensor2D;
  const identity = tf.eye(x.shape[0]);
  const trace = (gram: Tensor2D): Scalar => tf.sum(tf.mul(gram, identity));
  return tf.sub(energy(student, trace(student)), energy(joint, trace(joint))) as Scalar;
}

/**
 * ITRD: lambda_corr * correlation + lambda_mutual * mutual, on pooled vectors (sections 3.2 and 3.3); a Linear to the
 * teacher's size for the correlation, for the rest only if sizes differ. Constant channels have no correlation (NaN in
 * the authors' code), nor has a batch of one.
 */
export const itrd = defineMethod({
  name: "itrd",
  summary: "correlation of channels and mutual information of images (ITRD)",
  paper: "Miles et al., Information Theoretic Representation Distillation, BMVC 2022",
  code: "zkxufo/TTM fe457b3",
  formula:
    "lambda_corr log2(sum over channels of (1 - corr(W p_s, p_t))^(2 alpha_it)) + lambda_mutual (|G_s / tr|^2 - |G_s G_t / tr|^2)",
  traps: [
    "The correlation's part always goes through the Linear W, the other one only where the sizes differ.",
    "Deviations are divided by N - 1, correlations by N: a channel like the teacher's has (N - 1) / N.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {
    lambda_corr: number(2, "Weight of the correlation's part.", { touches: "numbers" }),
    lambda_mutual: number(1, "Weight of the mutual information's part.", { touches: "numbers" }),
    alpha_it: number(1.01, "Order of Renyi's entropy in the correlation's part.", {
      above: 0,
      touches: "numbers",
    }),
  },
  terms: ["correlation", "mutual"],
  sees: () => ["pooled"],
  build(pair, { lambda_corr, lambda_mutual, alpha_it }, make) {
    const embed = linear(make, "embed.linear", pair.student.pooled, pair.teacher.pooled);
    return {
      terms({ student, teacher }) {
        const [ours, theirs] = [student.pooled, teacher.pooled];
        const embedded = embed(ours);
        const same = pair.student.pooled === pair.teacher.pooled;
        const mutual = tf.mul(mutualLoss(same ? ours : embedded, theirs), lambda_mutual) as Scalar;
        if (ours.shape[0] === 1) return { mutual };
        const correlation = correlationLoss(embedded, theirs, alpha_it);
        return { correlation: tf.mul(correlation, lambda_corr) as Scalar, mutual };
      },
    };
  },
});
