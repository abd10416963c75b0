import { integer, number } from "../../../common/optionRow.js";
import { addBuffer, type Initializer } from "../../../nn/builder.js";
import { detached } from "../../../nn/gradients.js";
import { normal } from "../../../nn/initialization.js";
import { linear } from "../../../nn/layers.js";
import { scatterRows } from "../../../runtime/rows.js";
import { type Scalar, type Tensor1D, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { EMBEDDING_OPTIONS } from "../../options.js";
import { normalizedRows } from "../../parts/losses.js";

/** Normal values [rows, columns], each column of length 1. */
const unitColumns: Initializer = (tensor, random) => {
  const values = normal(1)(tensor, random);
  const width = tensor.shape[1] as number;
  const squares = new Float64Array(width);
  for (const [i, value] of values.entries()) squares[i % width] = (squares[i % width] as number) + value ** 2;
  return values.map((value, i) => value / Math.sqrt(squares[i % width] as number));
};

/** RRD: similarities of the student's embedding to a queue of the teacher's, against the teacher's own. */
export const rrd = defineMethod({
  name: "rrd",
  summary: "similarities to a queue of the teacher's embeddings (RRD)",
  paper: "Giakoumoglou and Stathaki, Relational Representation Distillation, arXiv 2407.12073, 2024",
  code: "giakoumoglou/distillers a2ee80b",
  formula:
    "cross entropy of softmax(v_s . Q / t_s) against softmax(v_t . Q / t_t), v: embedded, length 1, Q: the last K v_t",
  traps: [
    "The batch's embeddings of the teacher join the queue first, so that each image meets itself.",
    "The teacher's embedding has no gradient and stays as it was drawn.",
    "The authors need a K that batches divide; here the queue goes on at its start anywhere.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {
    ...EMBEDDING_OPTIONS,
    rrd_nce_k: integer(16384, "Length of the queue; at least a batch.", { min: 1, touches: "numbers" }),
    rrd_t_s: number(0.1, "Temperature of the student's similarities.", { above: 0, touches: "numbers" }),
    rrd_t_t: number(0.02, "Temperature of the teacher's similarities.", { above: 0, touches: "numbers" }),
  },
  terms: ["rrd"],
  sees: () => ["pooled"],
  build({ student, teacher }, { feat_dim, rrd_nce_k, rrd_t_s, rrd_t_t }, make) {
    const ours = linear(make, "embed_s", student.pooled, feat_dim);
    const theirs = linear(make, "embed_t", teacher.pooled, feat_dim);
    const queue = addBuffer(make, "queue", [rrd_nce_k, feat_dim], unitColumns);
    const start = addBuffer(make, "queue_ptr", []);
    return {
      terms(at, { updates }) {
        const [s, t] = [normalizedRows(ours(at.student.pooled)), detached(normalizedRows(theirs(at.teacher.pooled)))];
        const count = t.shape[0];
        const places = tf.mod(tf.add(tf.range(0, count), start), rrd_nce_k);
        const rows = tf.cast(places, "int32") as Tensor1D;
        const entries = scatterRows(queue, rows, t) as Tensor2D;
        updates.push([queue, t, rows], [start, tf.mod(tf.add(start, count), rrd_nce_k)]);
        const similar = (v: Tensor2D, T: number) => tf.div(tf.matMul(v, entries, false, true), T);
        const each = tf.sum(tf.mul(tf.softmax(similar(t, rrd_t_t)), tf.logSoftmax(similar(s, rrd_t_s))), 1);
        return { rrd: tf.neg(tf.mean(each)) as Scalar };
      },
    };
  },
});
