import { inputError } from "../../../common/errors.js";
import { integer, number } from "../../../common/optionRow.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { sumOfSquares } from "../../../nn/gradients.js";
import { kaimingNormalFanOut } from "../../../nn/initialization.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import type { ForwardContext, Insertion } from "../../../nn/model.js";
import { maxPool } from "../../../nn/pool.js";
import { type Scalar, type Tensor2D, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, type Pair } from "../../method.js";

/** Added to the variance of a row, as in the authors' code. */
const EPSILON = 1e-7;

/** The term's weight by epoch: it ramps up, holds, and decays. */
const SCHEDULE = [
  { from: 1, part: 0.1 },
  { from: 10, part: 0.5 },
  { from: 20, part: 1 },
  { from: 180, part: 0.5 },
  { from: 210, part: 0.1 },
] as const;

/** The weight of an epoch; all products but one are zero, so the sum is exact. */
function partOf(epoch: Scalar): Scalar {
  const ends = [...SCHEDULE.slice(1).map(({ from }) => from), Number.MAX_SAFE_INTEGER];
  const since = (epochs: readonly number[]) => tf.cast(tf.greaterEqual(epoch, tf.tensor1d([...epochs])), "float32");
  const isNow = tf.sub(since(SCHEDULE.map(({ from }) => from)), since(ends));
  return tf.sum(tf.mul(isNow, tf.tensor1d(SCHEDULE.map(({ part }) => part))));
}

/** Standardised logits [N, C] times a factor (torch.nn.functional.layer_norm). */
function normalizedLogits(logits: Tensor2D, factor: number): Tensor2D {
  const centred = tf.sub(logits, tf.mean(logits, 1, true));
  const variance = tf.mean(tf.square(centred), 1, true);
  return tf.mul(tf.div(centred, tf.sqrt(tf.add(variance, EPSILON))), factor) as Tensor2D;
}

/** To N channels per teacher channel and back, each with batch normalisation, plus a skip connection. */
function expansion(make: ModelBuilder, inputs: number, wide: number): Insertion {
  const layer = (name: string, from: number, to: number) => {
    const options = { inputs: from, outputs: to, kernel: 1, stride: 1, padding: 0 };
    const conv = convolution(make, `${name}.0`, { ...options, initializer: kaimingNormalFanOut });
    const bn = batchNorm(make, `${name}.1`, to);
    return (x: Tensor4D, context: ForwardContext) => bn(conv(x), context);
  };
  const widen = layer("layer31", inputs, wide);
  const narrow = layer("layer32", wide, inputs);
  return (map, context) => {
    const inserted = widen(map, context);
    return { out: tf.add(narrow(inserted, context), map) as Tensor4D, inserted };
  };
}

/** N times the mean squared error of a wide map [B, H, W, N * C] and N copies of the teacher's map [B, H, W, C]. */
function copiesLoss(wide: Tensor4D, teacher: Tensor4D): Scalar {
  const [images, height, width, channels] = teacher.shape;
  const copies = (wide.shape[3] as number) / channels;
  const apart = tf.reshape(wide, [images, height, width, copies, channels]);
  const difference = tf.sub(apart, tf.reshape(teacher, [images, height, width, 1, channels]));
  // By rows: XLA would sum the millions of squares of a batch sequentially, with a larger error.
  const ofRows = tf.div(sumOfSquares(difference, 3, 4), copies * channels);
  return tf.mul(tf.mean(ofRows), copies) as Scalar;
}

/** The teacher's pixels per student pixel along a side. @throws inputError for a fraction */
function windowOf({ student, teacher }: Pair): number {
  const [ours, theirs] = [student.lastMap, teacher.maps.at(-1) ?? []];
  const [rows, columns] = [0, 1].map((side) => (theirs[side] as number) / (ours[side] as number));
  if (rows !== undefined && rows === columns && Number.isInteger(rows)) return rows;
  throw inputError(
    `norm compares the student's last map of ${ours[0]} x ${ours[1]} with the teacher's of ${theirs[0]} x ${theirs[1]}, which is no whole multiple of it.`,
    "Choose a teacher whose last map is as large, or a whole number of times as large (pefd models).",
  );
}

/**
 * NORM: a 1x1 convolution after the last stage makes N times the teacher's channels, N copies of its map; another one
 * projects back to a skip connection. Both stay in the student.
 */
export const norm = defineMethod({
  name: "norm",
  summary: "one wide map of the student against N copies of the teacher's (NORM)",
  paper: "Liu et al., NORM: Knowledge Distillation via N-to-One Representation Matching, ICLR 2023",
  code: "OSVAI/NORM c6dfc39",
  formula:
    "b(epoch) N mse(W f_s, N copies of f_t), with CE and KL of layer-normed logits times c; b is 0.1, 0.5, 1, 0.5, 0.1 from epochs 1, 10, 20, 180, 210",
  traps: [
    "The two convolutions stay in the student in evaluation too.",
    "Cross entropy and KL divergence see layer-normed logits times c; the loss of an evaluation sees them as they are.",
    "The authors' loop begins with an epoch 0; here there is none.",
    "In the authors' ShuffleV1 and ShuffleV2 the map is not added to what comes back; here it is, as in their other students.",
  ],
  weights: { gamma: 0.1, alpha: 0, beta: 1 },
  options: {
    norm_s: integer(8, "Copies of the teacher's map (N).", { min: 2, max: 64, touches: "numbers" }),
    norm_c: number(2.5, "Factor of the layer-normed logits.", { above: 0, touches: "numbers" }),
  },
  terms: ["norm"],
  sees: () => ["maps"],
  build(pair, { norm_s, norm_c }, make) {
    const [inputs, channels] = [pair.student.lastMap, pair.teacher.maps.at(-1) ?? []].map(
      ([, , width]) => width as number,
    ) as [number, number];
    const window = windowOf(pair);
    return {
      insertion: expansion(make, inputs, norm_s * channels),
      logits: (logits) => normalizedLogits(logits, norm_c),
      terms({ student, teacher, epoch }) {
        const map = teacher.maps.at(-1)?.out as Tensor4D;
        const pool = { kernel: window, stride: window, padding: 0 };
        const target = window === 1 ? map : maxPool(map, pool);
        const loss = copiesLoss(student.inserted as Tensor4D, target);
        return { norm: tf.mul(loss, partOf(epoch)) as Scalar };
      },
    };
  },
});
