import { meanSquaredError } from "../../../nn/gradients.js";
import { type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod, REP_DISTILLER } from "../../method.js";
import { normalizedRows } from "../../parts/losses.js";

/** Gram matrix over the batch [N, N], L2-normalised rows, of a map [N, H, W, C]. */
function similarities(map: Tensor): Tensor2D {
  const flat = tf.reshape(map, [map.shape[0] as number, -1]) as Tensor2D;
  return normalizedRows(tf.matMul(flat, flat, false, true));
}

/** SP: match similarities between images. */
export const similarity = defineMethod({
  name: "similarity",
  summary: "similarities of a batch's last maps (SP)",
  paper: "Tung and Mori, Similarity-Preserving Knowledge Distillation, ICCV 2019",
  code: REP_DISTILLER,
  formula: "1/N^2 |G_s - G_t|^2, G the Gram matrix of the batch's last maps with rows of length 1",
  weights: { gamma: 1, alpha: 0, beta: 3000 },
  options: {},
  terms: ["similarity"],
  sees: () => ["maps"],
  build: () => ({
    terms({ student, teacher }) {
      const [ours, theirs] = [student.maps.at(-1)?.out, teacher.maps.at(-1)?.out];
      const [s, t] = [similarities(ours as Tensor), similarities(theirs as Tensor)];
      return { similarity: meanSquaredError(s, t) };
    },
  }),
});
