import { integer, number } from "../../common/optionRow.js";
import { type Scalar, type Tensor2D, tf } from "../../runtime/tf.js";
import { binaryKL } from "../binaryKL.js";
import { distillKL } from "../losses.js";
import { defineMethod } from "../method.js";
import { comparedLogits, LSKD, STANDARDIZATION } from "../standardized.js";

/** Subtracted from the label's logit after the division by T: the label takes no part in what is left. */
const MASK = 1000;

/** Weights of the other classes' part for pairs in which it is not 8. */
const PUBLISHED = [
  {
    pairs: ["vgg13-vgg8", "vgg13-MobileNetV2", "wrn_40_2-wrn_16_2", "wrn_40_2-wrn_40_1"],
    options: { dkd_beta: 6 },
  },
  {
    pairs: ["resnet56-resnet20", "resnet110-resnet20", "resnet110-resnet32"],
    options: { dkd_beta: 2 },
  },
];

/** DKD: alpha * KL of the label against the rest + beta * KL among the rest, both growing for some epochs. */
export const dkd = defineMethod({
  name: "dkd",
  summary: "KL of the label and of the other classes, decoupled (DKD)",
  paper: "Zhao et al., Decoupled Knowledge Distillation, CVPR 2022",
  code: "megvii-research/mdistiller a08d46f",
  formula:
    "min(epoch / warm-up, 1) T^2 (alpha KL(b_t, b_s) + beta KL(q_t, q_s)), b: label against the rest, q: the rest alone",
  traps: ["The label's logit loses 1000 after the division by T, so it takes no part in q."],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  published: PUBLISHED,
  options: {
    dkd_alpha: number(1, "Weight of the label's part.", { touches: "numbers" }),
    dkd_beta: number(8, "Weight of the other classes' part.", { touches: "numbers" }),
    dkd_T: number(4, "Temperature of both parts.", { above: 0, touches: "numbers" }),
    dkd_warmup: integer(20, "Epochs in which both parts grow to their weights.", {
      ...{ min: 1, touches: "numbers" },
    }),
    ...STANDARDIZATION,
  },
  variants: [
    {
      ...LSKD,
      name: "lskd_dkd",
      weights: { gamma: 1, alpha: 0, beta: 9 },
      defaults: { dkd_T: 2 },
      published: PUBLISHED,
    },
  ],
  terms: ["tckd", "nckd"],
  sees: () => ["logits"],
  build: (_pair, { dkd_alpha, dkd_beta, dkd_T, dkd_warmup, lskd }) => ({
    terms({ student, teacher, oneHot, epoch }) {
      const warm = tf.minimum(tf.div(epoch, dkd_warmup), 1);
      const compared = comparedLogits({ lskd });
      const [ours, theirs] = [compared(student.logits), compared(teacher.logits)];
      const others = (logits: Tensor2D) => tf.sub(logits, tf.mul(oneHot, MASK * dkd_T)) as Tensor2D;
      const tckd = binaryKL({ logits: ours, one: oneHot }, { logits: theirs, one: oneHot }, dkd_T);
      const nckd = distillKL(others(ours), others(theirs), dkd_T);
      return {
        tckd: tf.mul(tf.mul(tckd, dkd_alpha), warm) as Scalar,
        nckd: tf.mul(tf.mul(nckd, dkd_beta), warm) as Scalar,
      };
    },
  }),
});
