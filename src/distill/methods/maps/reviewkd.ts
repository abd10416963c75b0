import { inputError } from "../../../common/errors.js";
import { flag, integer } from "../../../common/optionRow.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { meanSquaredError } from "../../../nn/gradients.js";
import { uniformWithin } from "../../../nn/initialization.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import type { ForwardContext } from "../../../nn/model.js";
import { adaptiveAveragePool, isWholeMultiple, type MapSize, nearestResize } from "../../../nn/pool.js";
import { type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, type Pair } from "../../method.js";
import { EA, entropyWeights } from "../../parts/logits.js";
import { pairedMaps } from "../../parts/maps.js";

/** Most channels passed between levels. */
const MOST_CHANNELS = 512;

/** Pooled sides in HCL. */
const LEVELS = [4, 2, 1] as const;

/** Shapes [H, W, C] of a level's student map and its target. */
interface Level {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** The map to compare, and the input of the next level. */
interface Fused {
  readonly compared: Tensor4D;
  readonly handedOn: Tensor4D;
}

type Fuse = (map: Tensor4D, deeper: Tensor4D | undefined, context: ForwardContext) => Fused;

const sizeOf = ([height, width]: readonly number[]): MapSize => [height as number, width as number];

/** Attention-based fusion (ABF, section 3.3): a per-pixel mix with the deeper level, in the teacher's shape. */
function fusion(make: ModelBuilder, name: string, { from, to }: Level, middle: number): Fuse {
  const [inputs, outputs] = [from[2] as number, to[2] as number];
  const [initializer, stride] = [uniformWithin(Math.sqrt(3)), 1];
  const narrow = convolution(make, `${name}.conv1.0`, {
    inputs,
    outputs: middle,
    kernel: 1,
    stride,
    padding: 0,
    initializer,
  });
  const narrowNorm = batchNorm(make, `${name}.conv1.1`, middle);
  const widen = convolution(make, `${name}.conv2.0`, {
    inputs: middle,
    outputs,
    kernel: 3,
    stride,
    padding: 1,
    initializer,
  });
  const widenNorm = batchNorm(make, `${name}.conv2.1`, outputs);
  const attention = name.endsWith(".0")
    ? undefined
    : convolution(make, `${name}.att_conv.0`, {
        inputs: 2 * middle,
        outputs: 2,
        kernel: 1,
        stride,
        padding: 0,
        bias: true,
      });
  const mixed = (own: Tensor4D, deeper: Tensor4D | undefined): Tensor4D => {
    if (attention === undefined || deeper === undefined) return own;
    const other = nearestResize(deeper, sizeOf(from));
    const shares = tf.sigmoid(attention(tf.concat([own, other], 3)));
    const [first, second] = tf.split(shares, 2, 3) as [Tensor, Tensor]; // [N, H, W, 1] each
    return tf.add(tf.mul(own, first), tf.mul(other, second)) as Tensor4D;
  };
  return (map, deeper, context) => {
    const own = narrowNorm(narrow(map), context);
    const handedOn = nearestResize(mixed(own, deeper), sizeOf(to));
    return { handedOn, compared: widenNorm(widen(handedOn), context) };
  };
}

/** Mean squared error of two maps [N, H, W, C]. */
type MapError = (x: Tensor4D, y: Tensor4D) => Tensor;

/** The same of each image, times its weight [N]. */
const weightedError =
  (weights: Tensor): MapError =>
  (x, y) =>
    tf.mean(tf.mul(tf.mean(tf.square(tf.sub(x, y)), [1, 2, 3]), weights));

/**
 * Hierarchical context loss (HCL, section 3.4): mean squared error of maps [N, H, W, C] and of both pooled to smaller
 * 4, 2 and 1 pixels a side, each with half the previous weight, divided by the total weight.
 */
function contextLoss(x: Tensor4D, y: Tensor4D, error: MapError): Scalar {
  let [loss, weight, weights]: [Tensor, number, number] = [error(x, y), 1, 1];
  for (const side of LEVELS.filter((level) => level < x.shape[1])) {
    const pooled = (map: Tensor4D) => adaptiveAveragePool(map, [side, side]);
    weight /= 2;
    weights += weight;
    loss = tf.add(loss, tf.mul(error(pooled(x), pooled(y)), weight));
  }
  return tf.div(loss, weights) as Scalar;
}

/** From the deepest level: pooled vectors as maps of one pixel, then maps from last to first. */
function levelsOf(pair: Pair): Level[] {
  const pooled = { from: [1, 1, pair.student.pooled], to: [1, 1, pair.teacher.pooled] };
  const maps = pairedMaps(pair).map(({ student, teacher }) => ({ from: student, to: teacher }));
  const levels = [pooled, ...maps.reverse()];
  for (const [i, { from, to }] of levels.entries()) {
    const before = levels[i - 1]?.to ?? from;
    if (isWholeMultiple(sizeOf(from), sizeOf(before)) && isWholeMultiple(sizeOf(from), sizeOf(to))) continue;
    throw inputError(
      `reviewkd repeats pixels of maps to bring them to one size, but ${from[0]} x ${from[1]} of the student fits neither ${before[0]} x ${before[1]} nor ${to[0]} x ${to[1]} of the teacher.`,
      "Choose a pair whose maps are whole multiples of each other (pefd models).",
    );
  }
  return levels;
}

const asMap = (pooled: Tensor2D): Tensor4D => tf.reshape(pooled, [pooled.shape[0], 1, 1, pooled.shape[1]]);

/** ReviewKD: each teacher map against the student's map of its level, fused with all deeper ones. */
export const reviewkd = defineMethod({
  name: "reviewkd",
  summary: "maps fused with all deeper ones, compared at several sizes (ReviewKD)",
  paper: "Chen et al., Distilling Knowledge via Knowledge Review, CVPR 2021",
  code: "megvii-research/mdistiller a08d46f",
  formula: "min(epoch / warm-up, 1) sum over levels i of HCL(ABF(f_s^i, ABF(f_s^(i+1), ...)), f_t^i before ReLU)",
  traps: [
    "The teacher's maps are those before their last ReLU, the student's those after it.",
    "Levels and their layers are counted from the deepest on, which is the pooled vector.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 5 },
  published: [
    { pairs: ["resnet32x4-ShuffleV2"], weights: { beta: 8 } },
    { pairs: ["resnet56-resnet20"], weights: { beta: 0.6 } },
    { pairs: ["resnet110-resnet32"], weights: { beta: 1 } },
  ],
  options: {
    reviewkd_warmup_epochs: integer(20, "Epochs in which the term grows to its weight.", {
      min: 1,
      touches: "numbers",
      inEpochs: true,
    }),
    reviewkd_ea: flag("Weigh each image by the entropies of both models' logits (EA-KD).", { touches: "numbers" }),
  },
  variants: [
    {
      ...EA,
      name: "ea_reviewkd",
      formula: "reviewkd's, the squared errors of each image times (H_t + H_t H_s / log C) / 2, H: entropy at T 3",
      set: { reviewkd_ea: true },
      weights: { gamma: 1, alpha: 0, beta: 5 },
    },
  ],
  terms: ["review"],
  sees: ({ reviewkd_ea }) => ["maps", "pooled", ...(reviewkd_ea ? (["logits"] as const) : [])],
  build(pair, { reviewkd_warmup_epochs, reviewkd_ea }, make) {
    const middle = Math.min(MOST_CHANNELS, pair.student.pooled);
    const fusions = levelsOf(pair).map((level, i) => fusion(make, `abfs.${i}`, level, middle));
    return {
      terms({ student, teacher, epoch }, context) {
        const ours = [asMap(student.pooled), ...student.maps.map(({ out }) => out).reverse()];
        const theirs = teacher.maps.map(({ beforeRelu }) => beforeRelu).reverse();
        const targets = [asMap(teacher.pooled), ...theirs];
        const weights = () => entropyWeights(student.logits, teacher.logits, Math.log(pair.numClasses));
        const error = reviewkd_ea ? weightedError(weights()) : meanSquaredError;
        let deeper: Tensor4D | undefined;
        const losses = fusions.map((fuse, i) => {
          const { compared, handedOn } = fuse(ours[i] as Tensor4D, deeper, context);
          deeper = handedOn;
          return contextLoss(compared, targets[i] as Tensor4D, error);
        });
        const warm = tf.minimum(tf.div(epoch, reviewkd_warmup_epochs), 1);
        const sum = losses.reduce((total, loss) => tf.add(total, loss));
        return { review: tf.mul(sum, warm) as Scalar };
      },
    };
  },
});
