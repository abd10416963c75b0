import { flag, integer, number } from "../../common/optionRow.js";
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from "../../runtime/tf.js";

/**
 * KL(q || p_s) of each image [N], with q the teacher's probabilities to the power l, normalised again. The student's
 * temperature is 1, and nothing is multiplied by T^2.
 * @param student logits [N, C]
 * @param teacher logits [N, C]
 */
export function transformedKL(student: Tensor2D, teacher: Tensor2D, power: number): Tensor {
  const logTeacher = tf.logSoftmax(tf.mul(teacher, power));
  const difference = tf.sub(logTeacher, tf.logSoftmax(student));
  return tf.sum(tf.mul(tf.exp(logTeacher), difference), 1);
}

/** Added to the standard deviation, as in the authors' code. */
const EPSILON = 1e-7;

/**
 * Logits of each image, standardised with the unbiased standard deviation (Sun et al., CVPR 2024, algorithm 1).
 * @param logits [N, C]
 */
function standardized(logits: Tensor2D): Tensor2D {
  const centred = tf.sub(logits, tf.mean(logits, 1, true));
  const variance = tf.div(tf.sum(tf.square(centred), 1, true), logits.shape[1] - 1);
  return tf.div(centred, tf.add(tf.sqrt(variance), EPSILON));
}

/** The switch of methods that compare softened logits. */
export const STANDARDIZATION = {
  lskd: flag("Standardize the logits of each image first (LSKD).", { touches: "numbers" }),
};

/** Its authors' settings for every method with the switch on. */
export const LSKD = {
  paper: "Sun et al., Logit Standardization in Knowledge Distillation, CVPR 2024",
  code: "sunshangquan/logit-standardization-KD f6e5aa5",
  formula: "the method's, of (z - mean(z)) / (1e-7 + deviation(z)) of each image",
  traps: ["The deviation has C - 1 in its denominator, and 1e-7 is added to it, not to its square."],
  set: { lskd: true },
};

/** Logits of a method with --lskd: as they are, or standardised. */
export const comparedLogits = ({ lskd }: { readonly lskd: boolean }): ((logits: Tensor2D) => Tensor2D) =>
  lskd ? standardized : (logits) => logits;

/**
 * T^2 times KL(teacher || student) of each row of logits, softened by T.
 * @param student logits [N, C]
 * @param teacher logits [N, C], without gradient
 * @returns [N]
 */
export function klOfEach(student: Tensor2D, teacher: Tensor2D, temperature: number): Tensor1D {
  const logStudent = tf.logSoftmax(tf.div(student, temperature));
  const logTeacher = tf.logSoftmax(tf.div(teacher, temperature));
  const perClass = tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)); // [N, C]
  return tf.mul(tf.sum(perClass, 1), temperature ** 2) as Tensor1D;
}

/** Logits, with one class singled out. */
interface Marked {
  /** [N, C] */
  readonly logits: Tensor2D;
  /** [N, C], a one for that class */
  readonly one: Tensor2D;
}

/** Lower bound of probabilities under a logarithm, above underflow. */
const LEAST = 1e-37;

/**
 * T^2 times KL(teacher || student) of "that class" against "any other one" for each row, softened by T. As in the
 * authors' code of DKD, with the logarithm of probabilities, not log-softmax.
 * @returns [N]
 */
export function binaryKLOfEach(student: Marked, teacher: Marked, temperature: number): Tensor1D {
  const split = ({ logits, one }: Marked): [Tensor, Tensor] => {
    const p = tf.softmax(tf.div(logits, temperature));
    return [tf.sum(tf.mul(p, one), 1), tf.sum(tf.mul(p, tf.sub(1, one)), 1)];
  };
  const [ours, theirs] = [split(student), split(teacher)];
  const log = (p: Tensor) => tf.log(tf.maximum(p, LEAST));
  const part = (p: Tensor, q: Tensor) => tf.mul(p, tf.sub(log(p), log(q)));
  const sum = tf.add(part(theirs[0], ours[0]), part(theirs[1], ours[1]));
  return tf.mul(sum, temperature ** 2) as Tensor1D;
}

/** Options of DKD's two parts. */
export const DECOUPLED_OPTIONS = {
  dkd_alpha: number(1, "Weight of the label's part.", { touches: "numbers" }),
  dkd_beta: number(8, "Weight of the other classes' part.", { touches: "numbers" }),
  dkd_T: number(4, "Temperature of both parts.", { above: 0, touches: "numbers" }),
  dkd_warmup: integer(20, "Epochs in which both parts grow to their weights.", {
    min: 1,
    touches: "numbers",
  }),
};

/** Weights of the other classes' part for pairs where it is not 8. */
export const DECOUPLED_PUBLISHED = [
  {
    pairs: ["vgg13-vgg8", "vgg13-MobileNetV2", "wrn_40_2-wrn_16_2", "wrn_40_2-wrn_40_1"],
    options: { dkd_beta: 6 },
  },
  {
    pairs: ["resnet56-resnet20", "resnet110-resnet20", "resnet110-resnet32"],
    options: { dkd_beta: 2 },
  },
];

/** Of pairs of ImageNet (mdistiller's configs/imagenet): a temperature and a warm-up of 1. */
export const DECOUPLED_IMAGENET = [
  { pairs: ["RESNET34-RESNET18"], options: { dkd_beta: 0.5, dkd_T: 1, dkd_warmup: 1 } },
  { pairs: ["RESNET50-MobileNet"], options: { dkd_beta: 2, dkd_T: 1, dkd_warmup: 1 } },
];

/** Subtracted from the label's logit after the division by T, which masks the label. */
const MASK = 1000;

/**
 * DKD's parts of each row: KL of the label against the rest, and KL among the rest, times T^2.
 * @param student logits [N, C]
 * @param teacher logits [N, C]
 * @param oneHot [N, C]
 * @returns [N] each
 */
export function decoupledOfEach(
  student: Tensor2D,
  teacher: Tensor2D,
  oneHot: Tensor2D,
  temperature: number,
): [label: Tensor1D, rest: Tensor1D] {
  const others = (logits: Tensor2D) => tf.sub(logits, tf.mul(oneHot, MASK * temperature)) as Tensor2D;
  const marked = (logits: Tensor2D) => ({ logits, one: oneHot });
  return [
    binaryKLOfEach(marked(student), marked(teacher), temperature),
    klOfEach(others(student), others(teacher), temperature),
  ];
}

/** Linear warm-up of a term's weight. */
export const warmUp = (epoch: Scalar, epochs: number): Scalar => tf.minimum(tf.div(epoch, epochs), 1);
