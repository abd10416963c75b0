import { number } from "../../../common/optionRow.js";
import { addBuffer, type ModelBuilder } from "../../../nn/builder.js";
import { gatherRows, rowsUpdate } from "../../../nn/gather.js";
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf, type Update } from "../../../runtime/tf.js";
import { defineMethod, type Pair, type StepContext } from "../../method.js";
import { GATHERING, gathering, normalizedRows } from "../../parts/losses.js";
import { cosineDecay, WKD } from "../../parts/wasserstein.js";

/** Images of a class that its distances follow from. */
const SAMPLES = 50;

/** Distances [classes, classes] of the teacher's classes: 1 - linear CKA of the vectors of a class's first images. */
function classDistances(make: ModelBuilder, { numClasses, teacher: { pooled } }: Pair) {
  const distance = addBuffer(make, "distance", [numClasses, numClasses]);
  const vectors = addBuffer(make, "class_vectors", [numClasses * SAMPLES, pooled]);
  const counts = addBuffer(make, "class_counts", [numClasses, 1]);
  const cka = (): Tensor => {
    const held = tf.cast(tf.less(tf.range(0, SAMPLES), counts), "float32"); // [classes, samples]
    const mask = tf.reshape(held, [numClasses, SAMPLES, 1]);
    const each = tf.reshape(vectors, [numClasses, SAMPLES, pooled]);
    const mean = tf.div(tf.sum(each, 1, true), tf.maximum(tf.sum(mask, 1, true), 1));
    const centred = tf.mul(tf.sub(each, mean), mask);
    const grams = normalizedRows(tf.reshape(tf.matMul(centred, centred, false, true), [numClasses, -1]));
    return tf.matMul(grams as Tensor2D, grams as Tensor2D, false, true);
  };
  return {
    distance,
    /** Updates for a batch; distances are those of the batches before it, and the last batch changes little. */
    gathered({ teacher, labels, oneHot }: StepContext): Update[] {
      const places = tf.range(0, labels.shape[0]);
      const isEarlier = tf.cast(tf.less(places, tf.reshape(places, [-1, 1])), "float32");
      const earlier = tf.sum(tf.mul(tf.matMul(oneHot, oneHot, false, true), isEarlier), 1);
      const before = tf.reshape(gatherRows(counts, labels), [-1]);
      const slot = tf.minimum(tf.add(before, earlier), SAMPLES - 1);
      const rows = tf.cast(tf.add(tf.mul(tf.cast(labels, "float32"), SAMPLES), slot), "int32") as Tensor1D;
      const added = tf.reshape(tf.sum(oneHot, 0), [-1, 1]);
      return [rowsUpdate(vectors, rows, teacher.pooled), [counts, tf.add(counts, added)], [distance, tf.sub(1, cka())]];
    },
  };
}

const [LAMBDA, ITERATIONS, EPSILON] = [0.05, 10, 1e-8];

/**
 * Cost of the transport between p and q [N, C] by Sinkhorn's iterations, with gradient through all of them.
 * @param cost [C, C]
 * @param first of the scaling factors, [N, C]
 * @returns [N]
 */
function transportCost(p: Tensor2D, q: Tensor2D, cost: Tensor, first: Tensor): Tensor {
  const ground = tf.add(tf.maximum(cost, 0), EPSILON) as Tensor2D;
  const kernel = tf.exp(tf.div(ground, -LAMBDA)) as Tensor2D;
  let [u, v]: [Tensor, Tensor] = [first, first];
  for (let i = 0; i < ITERATIONS; i++) {
    v = tf.div(q, tf.add(tf.matMul(u as Tensor2D, kernel), EPSILON));
    u = tf.div(p, tf.add(tf.matMul(v as Tensor2D, kernel, false, true), EPSILON));
  }
  return tf.sum(tf.mul(u, tf.matMul(v as Tensor2D, tf.mul(kernel, ground), false, true)), 1);
}

/** Masks the label. */
const MASK = 1000;

/** WKD-L: teacher-weighted cross entropy of the label, and the Wasserstein distance of the other classes. */
export const wkdL = defineMethod({
  ...WKD,
  name: "wkd_l",
  summary: "Wasserstein distance of the other classes, near ones costing less (WKD-L)",
  formula:
    "- mean of softmax(z_t)_y log softmax(z_s)_y + g mean of the transport cost between softmax(z_t / T) and softmax(z_s / T) without y; cost 1 - exp(-D), D: 1 - CKA of two classes' p_t",
  traps: [
    ...WKD.traps,
    `The first epoch gathers D from up to ${SAMPLES} images of each class, and nothing learns; the authors read theirs from a file.`,
    "The label's part is at temperature 1 and not multiplied by g.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  defaults: { epochs: 241 },
  published: [{ pairs: ["wrn_40_2-ShuffleV1"], options: { wkd_temperature: 6, wkd_logit_weight: 200 } }],
  options: {
    wkd_temperature: number(8, "Temperature of the other classes.", { above: 0, touches: "numbers" }),
    wkd_logit_weight: number(600, "Weight of the transport cost.", { min: 0, touches: "numbers" }),
  },
  terms: ["target", "wd"],
  sees: () => ["logits", "pooled"],
  build(pair, { wkd_temperature, wkd_logit_weight }, make) {
    const { distance, gathered } = classDistances(make, pair);
    const ofLabel = ({ student, teacher, oneHot }: StepContext) => {
      const each = tf.mul(tf.softmax(teacher.logits), tf.logSoftmax(student.logits));
      return tf.neg(tf.mean(tf.sum(tf.mul(each, oneHot), 1))) as Scalar;
    };
    return {
      optimizer: { nesterov: true },
      mainTerms: ["target", "wd"],
      phases: [gathering(pair, "target", ofLabel, gathered)],
      terms(at) {
        const { student, teacher, oneHot, epoch } = at;
        const others = (logits: Tensor2D) =>
          tf.softmax(tf.sub(tf.div(logits, wkd_temperature), tf.mul(oneHot, MASK))) as Tensor2D;
        const first = tf.div(tf.sub(1, oneHot), oneHot.shape[1] - 1);
        const cost = tf.sub(1, tf.exp(tf.neg(distance as Tensor)));
        const each = transportCost(others(student.logits), others(teacher.logits), cost, first);
        const weight = tf.mul(cosineDecay(tf.sub(epoch, GATHERING)), wkd_logit_weight);
        return { target: ofLabel(at), wd: tf.mul(tf.mean(each), weight) as Scalar };
      },
    };
  },
});
