import { number } from "../../../common/optionRow.js";
import { createRandom } from "../../../common/random.js";
import { type Scalar, type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { distillKL } from "../../parts/losses.js";

/** Names of the noises, one per perturbed teacher. */
const NOISES = ["noise0", "noise1", "noise2"];

/** TeKAP on logits: KL with the teacher, and with three teachers whose logits are mixed with fresh normal noise. */
export const tekap = defineMethod({
  name: "tekap",
  summary: "KL with the teacher and with three noisy copies of it (TeKAP)",
  paper: "Hossain et al., TeKAP, ICLR 2025",
  code: "mdimtiazh/TeKAP 279d380",
  formula: "KL_T(z_t, z_s) + weight sum over 3 draws of KL_T((1 - noise) z_t + noise n, z_s), n normal, KL_T: kd's",
  traps: [
    "The four divergences together weigh 3.4 times kd's.",
    "Noise is added to logits before softmax, and drawn anew in every step. The feature variant is not made.",
  ],
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  options: {
    ...KL_OPTIONS,
    tekap_noise: number(0.1, "Share of noise in the perturbed logits.", { min: 0, max: 1, touches: "numbers" }),
    tekap_weight: number(0.8, "Weight of each perturbed teacher.", { min: 0, touches: "numbers" }),
  },
  terms: ["kd"],
  sees: () => ["logits"],
  build: ({ numClasses }, { kd_T, tekap_noise, tekap_weight }) => ({
    draws: {
      specs: (images) =>
        Object.fromEntries(NOISES.map((name) => [name, { shape: [images, numClasses], dtype: "float32" }])),
      values: ({ seed, epoch, step, image }) =>
        Object.fromEntries(
          NOISES.map((name) => {
            const random = createRandom(seed, name, epoch, step);
            return [name, Float32Array.from({ length: image.length * numClasses }, () => random.normal())];
          }),
        ),
    },
    terms({ student, teacher, drawn }) {
      const kl = (theirs: Tensor2D) => distillKL(student.logits, theirs, kd_T);
      const perturbed = NOISES.map((name) => {
        const noise = tf.mul(drawn[name] as Tensor, tekap_noise);
        return tf.mul(kl(tf.add(tf.mul(teacher.logits, 1 - tekap_noise), noise)), tekap_weight);
      });
      return { kd: perturbed.reduce((sum, each) => tf.add(sum, each), kl(teacher.logits) as Tensor) as Scalar };
    },
  }),
});
