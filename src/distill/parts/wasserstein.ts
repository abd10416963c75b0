import { type Scalar, tf } from "../../runtime/tf.js";

/** Of WKD-L and WKD-F. */
export const WKD = {
  paper:
    "Lv, Yang, Li, Wasserstein Distance Rivals Kullback-Leibler Divergence for Knowledge Distillation, NeurIPS 2024",
  code: "JiamingLv/WKD 214cf88",
  traps: [
    "Nesterov's momentum. From epoch 150 to 240 the weight falls to 0 as half a cosine, whatever --epochs is.",
    "The authors' networks run in mixed precision.",
  ],
};

/** Epochs between which the weight falls. */
const [FROM, TO] = [150, 240];

/** Weight of an epoch: 1, and from epoch 150 to 240 a half cosine down to 0. */
export function cosineDecay(epoch: Scalar): Scalar {
  const angle = tf.mul(tf.div(tf.minimum(tf.maximum(tf.sub(epoch, FROM), 0), TO - FROM), TO - FROM), Math.PI);
  return tf.mul(tf.add(tf.cos(angle), 1), 0.5);
}
