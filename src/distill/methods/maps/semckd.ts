import { inputError } from "../../../common/errors.js";
import { number } from "../../../common/optionRow.js";
import { relu } from "../../../nn/activation.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { sumOfSquares } from "../../../nn/gradients.js";
import { batchNorm, convolution, linear } from "../../../nn/layers.js";
import type { ForwardContext } from "../../../nn/model.js";
import { type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { toSmaller } from "../../parts/maps.js";

/** Images of a batch per element of a query or key. */
const FACTOR = 4;

/** A regressor's inner channels per teacher channel. */
const WIDENING = 2;

const SCOPE = "self_attention";

/** L2-normalised rows; zeros give NaN, as in the authors' code. */
const unit = (x: Tensor2D): Tensor2D => tf.div(x, tf.sqrt(sumOfSquares(x, 1))) as Tensor2D;

/** Gram matrix over the batch [N, N] of a map [N, H, W, C]. */
function products(map: Tensor4D): Tensor2D {
  const flat = tf.reshape(map, [map.shape[0], -1]) as Tensor2D;
  return tf.matMul(flat, flat, false, true);
}

/** A map's query or key: two linear layers on its batch's Gram matrix. @returns from [N, H, W, C] to [N, N / 4] */
function embedding(make: ModelBuilder, name: string, batchSize: number) {
  const size = Math.floor(batchSize / FACTOR);
  const first = linear(make, `${name}.linear1`, batchSize, 2 * size);
  const second = linear(make, `${name}.linear2`, 2 * size, size);
  return (map: Tensor4D): Tensor2D => unit(second(relu(first(products(map)))));
}

function regressor(make: ModelBuilder, name: string, inputs: number, outputs: number) {
  const middle = WIDENING * outputs;
  const layer = (place: number, from: number, to: number, kernel: number) =>
    convolution(make, `${name}.${place}`, {
      inputs: from,
      outputs: to,
      kernel,
      stride: 1,
      padding: (kernel - 1) / 2,
    });
  const narrow = layer(0, inputs, middle, 1);
  const narrowNorm = batchNorm(make, `${name}.1`, middle);
  const spatial = layer(3, middle, middle, 3);
  const spatialNorm = batchNorm(make, `${name}.4`, middle);
  const last = layer(6, middle, outputs, 1);
  return (x: Tensor4D, context: ForwardContext): Tensor4D => {
    const active = relu(narrowNorm(narrow(x), context));
    return last(relu(spatialNorm(spatial(active), context)));
  };
}

/** Weights [N, S, T], which sum to 1 over the teacher's maps. */
function attention(queries: readonly Tensor2D[], keys: readonly Tensor2D[], soft: number): Tensor {
  const energy = tf.matMul(tf.stack([...queries], 1), tf.stack([...keys], 1), false, true);
  return tf.softmax(tf.div(energy, soft));
}

/** Mean squared difference per image [N] of maps [N, H, W, C]. */
function distance(x: Tensor4D, y: Tensor4D): Tensor {
  const sums = sumOfSquares(tf.sub(x, y), 1, 2, 3);
  return tf.div(tf.reshape(sums, [x.shape[0]]), x.size / x.shape[0]);
}

/**
 * SemCKD: each student map is regressed to each teacher map, pairs weighted by attention on Gram matrices over the
 * batch. The attention's weights depend on the batch size: partial batches are dropped.
 */
export const semckd = defineMethod({
  name: "semckd",
  summary: "every map regressed to every map, weighted by attention (SemCKD)",
  paper: "Chen et al., Cross-Layer Distillation with Semantic Calibration, AAAI 2021",
  code: "DefangChen/SimKD 2b389c3",
  formula: "mean over images and maps i of sum over j of softmax_j(q_i . k_j / soft) mse(regressor_ij(f_s^i), f_t^j)",
  traps: [
    "The attention's weights depend on --batch_size; an epoch's last images that fill no batch are left out.",
    "Queries and keys have lengths of 1, without an epsilon.",
    "The authors' queries and keys have a second, unused regressor each; it is not made here.",
  ],
  weights: { gamma: 1, alpha: 1, beta: 400 },
  options: {
    soft: number(1, "Divisor of the attention's energies.", { above: 0, touches: "numbers" }),
  },
  terms: ["semckd"],
  shortBatches: "left out",
  sees: () => ["maps"],
  build({ student, teacher, batchSize }, { soft }, make) {
    if (batchSize < FACTOR) {
      throw inputError(
        `semckd makes one element of its queries of ${FACTOR} images, and --batch_size is ${batchSize}.`,
        `Give --batch_size ${FACTOR} or more.`,
      );
    }
    const embeddings = (kind: string, maps: readonly unknown[]) =>
      maps.map((_, i) => embedding(make, `${SCOPE}.${kind}_${i}`, batchSize));
    const [queries, keys] = [embeddings("query", student.maps), embeddings("key", teacher.maps)] as const;
    const regressors = student.maps.map(([, , inputs], i) =>
      teacher.maps.map(([, , outputs], j) =>
        regressor(make, `${SCOPE}.regressor${i}${j}.regressor`, inputs as number, outputs as number),
      ),
    );
    return {
      terms(at, context) {
        const ours = at.student.maps.map(({ out }) => out);
        const theirs = teacher.maps.map((_, j) => at.teacher.maps[j]?.out as Tensor4D);
        const shares = attention(
          queries.map((query, i) => query(ours[i] as Tensor4D)),
          keys.map((key, j) => key(theirs[j] as Tensor4D)),
          soft,
        );
        const distances = regressors.map((row, i) =>
          tf.stack(
            row.map((regress, j) => {
              const [source, target] = toSmaller(ours[i] as Tensor4D, theirs[j] as Tensor4D);
              return distance(regress(source, context), target);
            }),
            1,
          ),
        );
        const weighted = tf.mul(shares, tf.stack(distances, 1)); // [N, S, T]
        return { semckd: tf.mean(tf.sum(weighted, 2)) as Scalar };
      },
    };
  },
});
