import { integer, number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { binaryKLOfEach, warmUp } from "../../parts/logits.js";
import { distillKL } from "../../parts/losses.js";

/** Logit of masked classes. */
const LOWEST = -1e9;

/** One-hot argmax of logits [N, C]. */
function likeliest(logits: Tensor2D): Tensor2D {
  const chosen = tf.reshape(tf.argMax(logits, 1), [-1, 1]);
  const classes = tf.range(0, logits.shape[1], 1, "int32");
  return tf.cast(tf.equal(chosen, classes), "float32") as Tensor2D;
}

/**
 * RLD: alpha * KL of the label's probability against that of the teacher's top class, right or wrong, + beta * KL among
 * classes that the teacher ranks below the label (sections 4.1 and 4.2), both with a warm-up.
 */
export const rld = defineMethod({
  name: "rld",
  summary: "KL without what the teacher gets wrong (RLD)",
  paper: "Sun et al., Knowledge Distillation with Refined Logits, ICCV 2025",
  code: "zju-SWJ/RLD d54578f",
  formula:
    "min(epoch / warm-up, 1) (alpha T_a^2 KL(b_t, b_s) + beta T^2 KL(q_t, q_s)), b: the teacher's choice, of the student the label, against the rest; q: classes that the teacher ranks below the label",
  traps: [
    "Where the teacher is right this is dkd, with another temperature for the first part; where it ranks the label last, the second part is 0.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {
    rld_alpha: number(1, "Weight of the label's part.", { touches: "numbers" }),
    rld_beta: number(8, "Weight of the part of the classes below the label.", {
      touches: "numbers",
    }),
    rld_alpha_T: number(1, "Temperature of the label's part.", { above: 0, touches: "numbers" }),
    rld_T: number(4, "Temperature of the other part.", { above: 0, touches: "numbers" }),
    rld_warmup: integer(20, "Epochs in which both parts grow to their weights.", {
      min: 1,
      touches: "numbers",
      inEpochs: true,
    }),
  },
  terms: ["scd", "mcd"],
  sees: () => ["logits"],
  build: (_pair, { rld_alpha, rld_beta, rld_alpha_T, rld_T, rld_warmup }) => ({
    terms({ student, teacher, oneHot, epoch }) {
      const warm = warmUp(epoch, rld_warmup);
      const [ours, theirs] = [student.logits, teacher.logits];
      const ofLabel = tf.sum(tf.mul(theirs, oneHot), 1, true); // [N, 1]
      const below = tf.cast(tf.less(theirs, ofLabel), "float32");
      const masked = (logits: Tensor2D) => {
        const lowest = tf.mul(tf.sub(1, below), LOWEST * rld_T);
        return tf.add(tf.mul(logits, below), lowest) as Tensor2D;
      };
      const scd = binaryKLOfEach(
        { logits: ours, one: oneHot },
        { logits: theirs, one: likeliest(theirs) },
        rld_alpha_T,
      );
      const mcd = distillKL(masked(ours), masked(theirs), rld_T);
      return {
        scd: tf.mul(tf.mul(tf.mean(scd), rld_alpha), warm) as Scalar,
        mcd: tf.mul(tf.mul(mcd, rld_beta), warm) as Scalar,
      };
    },
  }),
});
