import { inputError } from "../../../common/errors.js";
import { integer, number } from "../../../common/optionRow.js";
import { choose, MOST_ELEMENTS } from "../../../common/random.js";
import { addBuffer, type Initializer } from "../../../nn/builder.js";
import { gatherRows, rowsUpdate, takeAlong } from "../../../nn/gather.js";
import { detached, rsqrt } from "../../../nn/gradients.js";
import { linear } from "../../../nn/layers.js";
import type { ForwardContext } from "../../../nn/model.js";
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf, type Variable } from "../../../runtime/tf.js";
import { type Draws, defineMethod, REP_DISTILLER } from "../../method.js";
import { EMBEDDING_OPTIONS } from "../../options.js";

/** Indices of other classes' images, in order. */
function imagesOfOthers(labels: ArrayLike<number>, label: number): Int32Array {
  const others = new Int32Array(labels.length);
  let count = 0;
  for (let image = 0; image < labels.length; image++) {
    if (labels[image] !== label) others[count++] = image;
  }
  if (count > 0) return others.slice(0, count);
  throw inputError(
    "All training images are of one class: there is none of another class to tell them from.",
    "Take a larger --limit_train, or a method without negatives.",
  );
}

function othersByClass(labels: ArrayLike<number>): (label: number) => Int32Array {
  const found = new Map<number, Int32Array>();
  return (label) => {
    const others = found.get(label) ?? imagesOfOthers(labels, label);
    found.set(label, others);
    return others;
  };
}

/**
 * Draws `negatives` [N, count]: images of other classes per image, without replacement if there are enough, in a stream
 * per image and epoch.
 * @param labels of the training images
 * @throws inputError for too many images, or none of another class
 */
export function negativeDraws(labels: ArrayLike<number>, count: number): Draws {
  if (labels.length > MOST_ELEMENTS) {
    throw inputError(
      `Negatives are drawn from at most ${MOST_ELEMENTS.toLocaleString("en")} training images, and there are more.`,
      "Take a --limit_train, or a method without negatives.",
    );
  }
  const othersOf = othersByClass(labels);
  const list = new Int32Array(labels.length);
  return {
    specs: (images) => ({ negatives: { shape: [images, count], dtype: "int32" } }),
    values({ seed, epoch, image }) {
      const negatives = new Int32Array(image.length * count);
      for (const [row, place] of image.entries()) {
        const others = othersOf(labels[place] as number);
        list.set(others);
        const out = negatives.subarray(row * count, (row + 1) * count);
        choose(list.subarray(0, others.length), out, seed, "negatives", epoch, place);
      }
      return { negatives };
    },
  };
}

const EPSILON = 1e-7;

/** L2-normalised rows of [N, D] without epsilon. */
const unit = (x: Tensor): Tensor2D => tf.mul(x, rsqrt(tf.sum(tf.square(x), 1, true))) as Tensor2D;

/** Uniform, with the variance of unit vectors. */
const uniformUnit: Initializer = ({ shape }, random) => {
  const [rows, size] = shape as [number, number];
  const bound = 1 / Math.sqrt(size / 3);
  return Float32Array.from({ length: rows * size }, () => (2 * random.uniform() - 1) * bound);
};

interface Direction {
  /** Memory bank of the other model's embeddings. */
  readonly bank: Variable;
  /** Divides the scores; 0 until the first step sets it. */
  readonly constant: Variable;
}

interface Setting {
  readonly nce_t: number;
  readonly nce_m: number;
  readonly images: number;
}

/**
 * Noise-contrastive estimation.
 * @param embedded [N, D], of length 1
 * @param candidates [N, K + 1], int32, the image first
 */
function contrast(
  embedded: Tensor2D,
  candidates: Tensor2D,
  { bank, constant }: Direction,
  { nce_t, images }: Setting,
  { updates }: ForwardContext,
): Scalar {
  const [batch, width] = candidates.shape;
  // Products with the whole bank are fewer than with all candidates of a batch.
  const products = tf.matMul(embedded, bank as Tensor as Tensor2D, false, true); // [N, images]
  const scores = tf.exp(tf.div(takeAlong(products as Tensor2D, candidates), nce_t));
  const first = tf.mul(tf.mean(detached(scores)), images);
  const z = tf.where(tf.greater(constant, 0), constant, first);
  updates.push([constant, z]);
  const probable = tf.div(scores, z); // [N, K + 1]
  const noise = (width - 1) / images;
  const share = tf.div(probable, tf.add(probable, noise + EPSILON));
  const own = tf.log(tf.slice(share, [0, 0], [batch, 1]));
  const others = tf.slice(probable, [0, 1], [batch, width - 1]);
  const foreign = tf.log(tf.div(noise, tf.add(others, noise + EPSILON)));
  return tf.div(tf.neg(tf.add(tf.sum(own), tf.sum(foreign))), batch) as Scalar;
}

/** Moving average of a batch's rows. @param momentum weight of the old row */
function remember(bank: Variable, image: Tensor1D, embedded: Tensor2D, momentum: number) {
  const old = gatherRows(bank, image);
  const mixed = tf.add(tf.mul(old, momentum), tf.mul(detached(embedded), 1 - momentum));
  return rowsUpdate(bank, image, unit(mixed));
}

/** CRD: contrast embeddings of student and teacher of one image with those of other classes. */
export const crd = defineMethod({
  name: "crd",
  summary: "embedded vectors told from those of other images, by two memories (CRD)",
  paper: "Tian et al., Contrastive Representation Distillation, ICLR 2020",
  code: REP_DISTILLER,
  formula:
    "NCE of exp(v_s . m_t / T) / Z and of exp(v_t . m_s / T) / Z, one positive and K negatives each; m = normalize(0.5 m + 0.5 v)",
  traps: [
    "Both embeddings learn, the teacher's too.",
    "Z is the mean score of the first step times the number of training images, for good.",
    "Negatives are of other classes, and no image twice where there are enough; with too few, images repeat.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 0.8 },
  options: {
    ...EMBEDDING_OPTIONS,
    nce_k: integer(16384, "Negatives of each image.", {
      min: 1,
      max: 1048576,
      touches: "numbers",
    }),
    nce_t: number(0.07, "Temperature of the scores.", { above: 0, touches: "numbers" }),
    nce_m: number(0.5, "Weight of what a memory's row was, when it is renewed.", {
      min: 0,
      below: 1,
      touches: "numbers",
    }),
  },
  terms: ["student", "teacher"],
  sees: () => ["pooled"],
  build(pair, { feat_dim, nce_k, nce_t, nce_m }, make) {
    const ours = linear(make, "embed_s.linear", pair.student.pooled, feat_dim);
    const theirs = linear(make, "embed_t.linear", pair.teacher.pooled, feat_dim);
    const images = pair.labels.length;
    const setting: Setting = { nce_t, nce_m, images };
    const bank = (name: string) => addBuffer(make, `memory_${name}`, [images, feat_dim], uniformUnit);
    const [ofStudent, ofTeacher] = [bank("v1"), bank("v2")];
    const constant = (name: string) => addBuffer(make, `z_${name}`, []);
    const fromStudent: Direction = { bank: ofTeacher, constant: constant("v1") };
    const fromTeacher: Direction = { bank: ofStudent, constant: constant("v2") };
    return {
      terms({ student, teacher, image, drawn }, context) {
        const [s, t] = [unit(ours(student.pooled)), unit(theirs(teacher.pooled))];
        const positive = tf.reshape(image, [-1, 1]);
        const candidates = tf.concat([positive, drawn.negatives as Tensor2D], 1) as Tensor2D;
        const terms = {
          student: contrast(s, candidates, fromStudent, setting, context),
          teacher: contrast(t, candidates, fromTeacher, setting, context),
        };
        context.updates.push(remember(ofStudent, image, s, nce_m), remember(ofTeacher, image, t, nce_m));
        return terms;
      },
      draws: negativeDraws(pair.labels, nce_k),
    };
  },
});
