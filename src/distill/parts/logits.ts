import { flag, integer, number } from "../../common/optionRow.js";
import { detached } from "../../nn/gradients.js";
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from "../../runtime/tf.js";

/** KL(q || p_s) [N] of logits [N, C], q the teacher's probabilities to the power l, normalised; no temperature. */
export function transformedKL(student: Tensor2D, teacher: Tensor2D, power: number): Tensor {
  const logTeacher = tf.logSoftmax(tf.mul(teacher, power));
  const difference = tf.sub(logTeacher, tf.logSoftmax(student));
  return tf.sum(tf.mul(tf.exp(logTeacher), difference), 1);
}

/** Added to the standard deviation, as in the authors' code. */
const EPSILON = 1e-7;

/** Standard deviation [N, 1] of each image's logits [N, C], unbiased. */
export function deviation(logits: Tensor2D): Tensor {
  const centred = tf.sub(logits, tf.mean(logits, 1, true));
  return tf.sqrt(tf.div(tf.sum(tf.square(centred), 1, true), logits.shape[1] - 1));
}

/** Logits [N, C] standardised per image, unbiased deviation (Sun et al., CVPR 2024, algorithm 1). */
function standardized(logits: Tensor2D): Tensor2D {
  const centred = tf.sub(logits, tf.mean(logits, 1, true));
  return tf.div(centred, tf.add(deviation(logits), EPSILON));
}

/** Of methods that compare softened logits. */
export const STANDARDIZATION = {
  lskd: flag("Standardize the logits of each image first (LSKD).", { touches: "numbers" }),
};

/** The authors' settings for all methods. */
export const LSKD = {
  paper: "Sun et al., Logit Standardization in Knowledge Distillation, CVPR 2024",
  code: "sunshangquan/logit-standardization-KD f6e5aa5",
  formula: "the method's, of (z - mean(z)) / (1e-7 + deviation(z)) of each image",
  traps: ["The deviation has C - 1 in its denominator, and 1e-7 is added to it, not to its square."],
  set: { lskd: true },
};

/** Logits as they are, or standardised with --lskd. */
export const comparedLogits = ({ lskd }: { readonly lskd: boolean }): ((logits: Tensor2D) => Tensor2D) =>
  lskd ? standardized : (logits) => logits;

/** T^2 * KL(teacher || student) [N] of logits [N, C] softened by T; the teacher's without gradient. */
export function klOfEach(student: Tensor2D, teacher: Tensor2D, temperature: number): Tensor1D {
  const logStudent = tf.logSoftmax(tf.div(student, temperature));
  const logTeacher = tf.logSoftmax(tf.div(teacher, temperature));
  const perClass = tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)); // [N, C]
  return tf.mul(tf.sum(perClass, 1), temperature ** 2) as Tensor1D;
}

interface Marked {
  /** [N, C] */
  readonly logits: Tensor2D;
  /** [N, C], one-hot */
  readonly one: Tensor2D;
}

/** Lower bound of a logarithm's argument, above underflow. */
const LEAST = 1e-37;

/** T^2 * KL [N] of marked class against the rest, softened by T; log of probabilities, as in DKD's code. */
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

export const DECOUPLED_OPTIONS = {
  dkd_alpha: number(1, "Weight of the label's part.", { touches: "numbers" }),
  dkd_beta: number(8, "Weight of the other classes' part.", { touches: "numbers" }),
  dkd_T: number(4, "Temperature of both parts.", { above: 0, touches: "numbers" }),
  dkd_warmup: integer(20, "Epochs in which both parts grow to their weights.", {
    min: 1,
    touches: "numbers",
    inEpochs: true,
  }),
};

export const DECOUPLED_PUBLISHED = [
  { pairs: ["vgg13-vgg8", "vgg13-MobileNetV2", "wrn_40_2-wrn_16_2", "wrn_40_2-wrn_40_1"], options: { dkd_beta: 6 } },
  { pairs: ["resnet56-resnet20", "resnet110-resnet20", "resnet110-resnet32"], options: { dkd_beta: 2 } },
];

/** mdistiller's configs/imagenet: temperature and warm-up of 1. */
export const DECOUPLED_IMAGENET = [
  { pairs: ["RESNET34-RESNET18"], options: { dkd_beta: 0.5, dkd_T: 1, dkd_warmup: 1 } },
  { pairs: ["RESNET50-MobileNet"], options: { dkd_beta: 2, dkd_T: 1, dkd_warmup: 1 } },
];

/** Subtracted from the label's logit after division by T, to mask it. */
const MASK = 1000;

/**
 * DKD's parts [N]: T^2 * KL of the label against the rest, and among the rest. Logits and oneHot [N, C].
 * @param leftOut [N, C]: 1 for classes that are not of the rest
 */
export function decoupledOfEach(
  student: Tensor2D,
  teacher: Tensor2D,
  oneHot: Tensor2D,
  temperature: number,
  leftOut = oneHot,
): [label: Tensor1D, rest: Tensor1D] {
  const others = (logits: Tensor2D) => tf.sub(logits, tf.mul(leftOut, MASK * temperature)) as Tensor2D;
  const marked = (logits: Tensor2D) => ({ logits, one: oneHot });
  return [
    binaryKLOfEach(marked(student), marked(teacher), temperature),
    klOfEach(others(student), others(teacher), temperature),
  ];
}

/** Temperature of entropies in EA-KD. */
const ENTROPY_TEMPERATURE = 3;

/** Entropy [N] of softmax(z / 3), z [N, C]. */
function entropy(logits: Tensor2D) {
  const logP = tf.logSoftmax(tf.div(logits, ENTROPY_TEMPERATURE));
  return tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1));
}

/** EA-KD's weights [N] of images, without gradient: (H_t + H_t H_s / scale) / 2 of logits [N, C]. */
export function entropyWeights(student: Tensor2D, teacher: Tensor2D, scale: number): Tensor1D {
  const [ours, theirs] = [entropy(student), entropy(teacher)];
  return detached(tf.mul(tf.add(theirs, tf.div(tf.mul(theirs, ours), scale)), 0.5) as Tensor1D);
}

/** EA-KD, in all methods that it is built on. */
export const EA = {
  paper: "Su et al., EA-KD: Entropy-based Adaptive Knowledge Distillation, 2025",
  code: "cpsu00/EA-KD 6fb4c06",
};

/** Linear warm-up of a weight. */
export const warmUp = (epoch: Scalar, epochs: number): Scalar => tf.minimum(tf.div(epoch, epochs), 1);
