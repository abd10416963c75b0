import { number } from "../../../common/optionRow.js";
import { type Scalar, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { TTM, TTM_CODE } from "../../papers.js";
import { transformedKL } from "../../parts/logits/transformedTeacher.js";

/** TTM: the student's own probabilities against the teacher's to the power l, normalised again. */
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
