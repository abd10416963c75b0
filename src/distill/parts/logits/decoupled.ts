import { integer, number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor1D, type Tensor2D, tf } from "../../../runtime/tf.js";
import { binaryKLOfEach, klOfEach } from "./perImage.js";

/** Options of DKD's two parts. */
export const DECOUPLED_OPTIONS = {
  dkd_alpha: number(1, "Weight of the label's part.", { touches: "numbers" }),
  dkd_beta: number(8, "Weight of the other classes' part.", { touches: "numbers" }),
  dkd_T: number(4, "Temperature of both parts.", { above: 0, touches: "numbers" }),
  dkd_warmup: integer(20, "Epochs in which both parts grow to their weights.", {
    ...{ min: 1, touches: "numbers" },
  }),
};

/** Weights of the other classes' part for pairs in which it is not 8. */
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

/** Subtracted from the label's logit after the division by T: the label takes no part in what is left. */
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
  const others = (logits: Tensor2D) =>
    tf.sub(logits, tf.mul(oneHot, MASK * temperature)) as Tensor2D;
  const marked = (logits: Tensor2D) => ({ logits, one: oneHot });
  return [
    binaryKLOfEach(marked(student), marked(teacher), temperature),
    klOfEach(others(student), others(teacher), temperature),
  ];
}

/** The part of its weight that a term has in an epoch: it grows for some epochs. */
export const warmUp = (epoch: Scalar, epochs: number): Scalar =>
  tf.minimum(tf.div(epoch, epochs), 1);
