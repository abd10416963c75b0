import { integer } from "#pefd/common/optionRow.js";
import { createRandom } from "#pefd/common/random.js";
import { defineMethod } from "#pefd/distill/method.js";
import { addBuffer } from "#pefd/nn/builder.js";
import { gatherRows, rowsUpdate } from "#pefd/nn/gather.js";
import { batchNorm, convolution, linear } from "#pefd/nn/layers.js";
import { type Scalar, type Tensor, type Tensor2D, tf } from "#pefd/runtime/tf.js";

/** Width of the memory bank. */
const WIDTH = 4;

const squared = (x: Tensor, y: Tensor): Scalar => tf.mean(tf.square(tf.sub(x, y)));

/** A method of no use that takes every part of the contract, so that each of them is tried. */
export const everything = defineMethod({
  name: "everything",
  summary: "every part of the contract",
  paper: "none",
  code: "none",
  formula: "none",
  weights: { gamma: 1, alpha: 0, beta: 0.5 },
  options: { map: integer(2, "The map that is looked at.", { min: 1, max: 3 }) },
  terms: ["map", "bank", "drawn", "labels", "unfolded"],
  sees: ({ map }) => [`map${map}`, "pooled"],
  build(pair, { map }, make) {
    const [inputs, outputs] = [pair.student, pair.teacher].map(({ maps }) => maps[map - 1]?.at(-1) as number) as [
      number,
      number,
    ];
    const options = { inputs, outputs, kernel: 1, stride: 1, padding: 0 };
    const regressor = convolution(make, "regressor", options);
    const norm = batchNorm(make, "norm", outputs);
    const held = linear(make, "held", pair.student.pooled, WIDTH);
    linear(make, "unreached", 1, 1);
    const bank = addBuffer(make, "bank", [pair.labels.length, WIDTH]);
    const heldState = make.state.filter(({ name }) => name.startsWith("held."));
    const scale = pair.teacher.state.find(({ name }) => name === "bn1.weight")?.variable as Tensor;
    return {
      terms({ student, teacher, labels, image, epoch, drawn }, context) {
        const [ours, theirs] = [student.maps[map - 1], teacher.maps[map - 1]];
        if (ours === undefined || theirs === undefined) throw new RangeError("There is no such map.");
        const regressed = norm(regressor(ours.out), context);
        const embedded = held(student.pooled);
        const before = gatherRows(bank, image);
        const mixed = tf.add(tf.mul(before, 0.5), tf.mul(embedded, 0.5));
        context.updates.push(rowsUpdate(bank, image, mixed));
        const noise = tf.mul(drawn.noise as Tensor2D, epoch);
        return {
          map: squared(regressed, theirs.beforeRelu),
          bank: squared(embedded, before),
          drawn: squared(student.pooled, noise),
          labels: tf.mean(tf.mul(tf.mean(student.pooled, 1), tf.cast(labels, "float32"))),
          unfolded: tf.mean(tf.mul(student.logits, tf.mean(scale))),
        };
      },
      draws: {
        specs: (images) => ({ noise: { shape: [images, pair.student.pooled], dtype: "float32" } }),
        values({ seed, epoch, step, image }) {
          const random = createRandom(seed, "everything", epoch, step);
          const length = image.length * pair.student.pooled;
          return { noise: Float32Array.from({ length }, () => random.normal()) };
        },
      },
      evaluated: ({ logits }) => tf.mul(logits, 0),
      groups: [
        {
          parameters: heldState.flatMap(({ variable }) => (variable ? [variable] : [])),
          learningRateFactor: 0,
          weightDecay: 0,
        },
      ],
    };
  },
});
