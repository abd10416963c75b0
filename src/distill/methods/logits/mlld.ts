import { flag } from "../../../common/optionRow.js";
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { comparedLogits, EA, entropyWeights, klOfEach, LSKD, STANDARDIZATION } from "../../parts/logits.js";
import { distillKL } from "../../parts/losses.js";

/** Temperatures beside --kd_T. */
const TEMPERATURES = [3, 5, 2, 6];

/** The authors' configurations for ShuffleNets and MobileNetV2 (commit 6327e73). */
const LIGHT_STUDENT = { epochs: 480, learning_rate: 0.01 };

/** At these the authors' code takes the weak view in place of the strong one. */
const WEAK_AGAIN = new Set([2, 6]);

/** The values [N] at most their median. */
function partBelowMedian(values: Tensor1D): Scalar {
  const count = values.shape[0];
  const [rows, columns] = [tf.reshape(values, [count, 1]), tf.reshape(values, [1, count])];
  const lower = tf.sum(tf.cast(tf.less(columns, rows), "float32"), 1);
  return tf.mean(tf.cast(tf.less(lower, Math.ceil(count / 2)), "float32")) as Scalar;
}

type Two = readonly [student: Tensor2D, teacher: Tensor2D];

/** Squared differences of products of softened probabilities, over classes [C, C] or images [N, N]; the sum / size. */
function productsLoss([student, teacher]: Two, temperature: number, ofClasses: boolean): Tensor {
  const products = (logits: Tensor2D) => {
    const p = tf.softmax(tf.div(logits, temperature)) as Tensor2D;
    return tf.matMul(p, p, ofClasses, !ofClasses);
  };
  const [ours, theirs] = [products(student), products(teacher)];
  return tf.div(tf.sum(tf.square(tf.sub(theirs, ours))), ours.shape[0]);
}

const sumOf = (terms: readonly Tensor[]): Tensor => terms.reduce((sum, term) => tf.add(sum, term));

/**
 * MLLD: KL at five temperatures on a weak and a strong view, and products of probabilities between classes and between
 * images on the weak one (section 3.2); cross entropy on both.
 */
export const mlld = defineMethod({
  name: "mlld",
  summary: "KL at five temperatures on two views, likeness of classes and of images (MLLD)",
  paper: "Jin et al., Multi-Level Logit Distillation, CVPR 2023",
  code: "Jin-Ying/Multi-Level-Logit-Distillation 5ee473f",
  formula:
    "sum over T in kd_T, 3, 5, 2, 6 of T^2 KL(weak) m + T^2 KL(strong) + m' |P'P - Q'Q|^2 / C + m |PP' - QQ'|^2 / N, with P, Q: softmax(z / T)",
  traps: [
    "m and m' are the part of images, and of classes, of which the teacher is no surer than the median: the authors' code sums a loss up before its mask, so that the mask is a factor of about a half.",
    "At T 2 and 6 the strong part takes the weak view, as the authors' code does; what that computes of classes and images on the strong view it leaves out.",
    "The student runs twice in a step, on the weak view first: its running statistics move twice.",
  ],
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  defaults: { learning_rate: 0.025 },
  published: [
    { pairs: ["resnet32x4-ShuffleV1", "resnet32x4-ShuffleV2"], defaults: LIGHT_STUDENT },
    {
      pairs: ["vgg13-MobileNetV2", "ResNet50-MobileNetV2", "wrn_40_2-ShuffleV1"],
      defaults: { ...LIGHT_STUDENT, learning_rate: 0.0025 },
    },
  ],
  options: {
    ...KL_OPTIONS,
    ...STANDARDIZATION,
    mlld_ea: flag("Weigh each image's KL by the entropies of both models' logits (EA-KD).", { touches: "numbers" }),
  },
  variants: [
    {
      ...LSKD,
      name: "lskd_mlkd",
      weights: { gamma: 0.1, alpha: 0, beta: 9 },
      defaults: { kd_T: 2, epochs: 480, learning_rate: 0.025 },
      published: [
        {
          pairs: ["vgg13-vgg8", "vgg13-MobileNetV2"],
          weights: { beta: 6 },
          defaults: { learning_rate: 0.01 },
        },
        {
          pairs: ["ResNet50-vgg8", "ResNet50-MobileNetV2", "wrn_40_2-ShuffleV1"],
          defaults: { learning_rate: 0.01 },
        },
        { pairs: ["resnet32x4-ShuffleV1"], defaults: { epochs: 960, learning_rate: 0.01 } },
        {
          pairs: ["resnet32x4-ShuffleV2"],
          weights: { beta: 6 },
          defaults: { epochs: 960, learning_rate: 0.01 },
        },
      ],
    },
    {
      ...EA,
      name: "ea_mld",
      formula: "mlld's, the KL of each image times (H_t + H_t H_s / log C) / 2, H: entropy at T 3",
      traps: [
        "The entropies are those of the logits as they are, also with --lskd.",
        "With --lskd the authors take --kd_T 2 -b 4.",
      ],
      set: { mlld_ea: true },
      weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
    },
  ],
  terms: ["kd", "cc", "bc"],
  strongView: true,
  sees: () => ["logits"],
  build: ({ numClasses }, { kd_T, lskd, mlld_ea }) => ({
    terms({ student, teacher, strong }) {
      const compared = comparedLogits({ lskd });
      const all = [kd_T, ...TEMPERATURES];
      const weakView: Two = [student.logits, teacher.logits];
      const strongView: Two = [strong.student.logits, strong.teacher.logits];
      const kl = ([ours, theirs]: Two, T: number) => {
        if (!mlld_ea) return distillKL(compared(ours), compared(theirs), T);
        const weights = entropyWeights(ours, theirs, Math.log(numClasses));
        return tf.mean(tf.mul(klOfEach(compared(ours), compared(theirs), T), weights)) as Scalar;
      };
      const probability = tf.softmax(teacher.logits);
      const ofImages = partBelowMedian(tf.max(probability, 1) as Tensor1D);
      const ofClasses = partBelowMedian(tf.sum(probability, 0) as Tensor1D);
      const weak = all.map((T) => kl(weakView, T));
      const second = all.map((T, i) => (i > 0 && WEAK_AGAIN.has(T) ? (weak[i] as Scalar) : kl(strongView, T)));
      const likeness = (isOfClasses: boolean) => sumOf(all.map((T) => productsLoss(weakView, T, isOfClasses)));
      return {
        kd: tf.add(tf.mul(sumOf(weak), ofImages), sumOf(second)) as Scalar,
        cc: tf.mul(likeness(true), ofClasses) as Scalar,
        bc: tf.mul(likeness(false), ofImages) as Scalar,
      };
    },
  }),
});
