import { number } from "../../../common/optionRow.js";
import { type Scalar, tf } from "../../../runtime/tf.js";
import { defineMethod, TTM, TTM_CODE } from "../../method.js";
import { transformedKL } from "../../parts/logits.js";

/** WTTM: TTM with images weighted by the sum of the teacher's probabilities to the power l. */
export const wttm = defineMethod({
  name: "wttm",
  summary: "TTM, smooth predictions of the teacher weighing more (WTTM)",
  paper: TTM,
  code: TTM_CODE,
  formula: "mean of w KL(softmax(l z_t), softmax(z_s)) of each image, w: sum over classes of softmax(z_t)^l, l: wttm_l",
  weights: { gamma: 1, alpha: 0, beta: 4 },
  options: {
    wttm_l: number(0.2, "Power of the teacher's probabilities.", { above: 0, touches: "numbers" }),
  },
  terms: ["wttm"],
  sees: () => ["logits"],
  build: (_pair, { wttm_l }) => ({
    terms({ student, teacher }) {
      const weight = tf.sum(tf.exp(tf.mul(tf.logSoftmax(teacher.logits), wttm_l)), 1);
      const each = transformedKL(student.logits, teacher.logits, wttm_l);
      return { wttm: tf.mean(tf.mul(weight, each)) as Scalar };
    },
  }),
});

/** TTM: the student's probabilities against the teacher's to the power l, normalised again. */
export const ttm = defineMethod({
  name: "ttm",
  summary: "KL against a power of the teacher's probabilities (TTM)",
  paper: TTM,
  code: TTM_CODE,
  formula: "KL(softmax(l z_t), softmax(z_s)), l: ttm_l",
  weights: { gamma: 1, alpha: 0, beta: 45 },
  options: {
    ttm_l: number(0.1, "Power of the teacher's probabilities.", { above: 0, touches: "numbers" }),
  },
  terms: ["ttm"],
  sees: () => ["logits"],
  build: (_pair, { ttm_l }) => ({
    terms: ({ student, teacher }) => ({
      ttm: tf.mean(transformedKL(student.logits, teacher.logits, ttm_l)) as Scalar,
    }),
  }),
});
