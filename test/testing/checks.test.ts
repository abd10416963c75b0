import assert from "node:assert/strict";
import { test } from "node:test";
import { datasetInMemory, defineMethod, definePlugin, type Scalar, type Tensor, tf } from "#pefd/plugin/index.js";
import { checkDataset, checkMethodEngines, checkMethodGradients } from "#pefd/testing/index.js";

const PAIR = { teacher: "resnet8", student: "resnet8" };

/** A method whose loss is of the student's and the teacher's vectors. */
const methodOf = (name: string, loss: (ours: Tensor, theirs: Tensor) => Tensor) =>
  definePlugin({
    methods: [
      defineMethod({
        name,
        summary: "vectors",
        paper: "none, 2026",
        code: "none",
        formula: "f",
        weights: { gamma: 1, alpha: 0, beta: 1 },
        options: {},
        terms: ["vectors"],
        sees: () => ["pooled"],
        build: () => ({
          terms: (at) => ({ vectors: loss(at.student.pooled, at.teacher.pooled) as Scalar }),
        }),
      }),
    ],
  });

const squares = (x: Tensor, y: Tensor) => tf.mean(tf.square(tf.sub(x, y)));

test("a loss of plain TensorFlow.js passes", async () => {
  const plugin = methodOf("plain", squares);
  await checkMethodGradients(plugin, "plain", PAIR);
  await checkMethodEngines(plugin, "plain", PAIR);
});

test("a gradient of one's own that is wrong is found, and its tensor named", async () => {
  const plugin = methodOf("wrong", (x, y) => {
    const half = tf.customGrad((value, save) => {
      (save as (kept: Tensor[]) => void)([value as Tensor]);
      return {
        value: tf.square(value as Tensor),
        gradFunc: (dy: Tensor, kept: Tensor[]) => tf.mul(dy, kept[0] as Tensor), // half of it
      };
    });
    return tf.mean(half(tf.sub(x, y)));
  });
  await assert.rejects(checkMethodGradients(plugin, "wrong", PAIR), {
    name: "AssertionError",
    message: /the gradient of the student's pooled says that the loss moves by/,
  });
});

test("a gradient that is cut off in part is found", async () => {
  const other = methodOf("cutoff", (x, y) => {
    const fixed = tf.customGrad((value) => ({
      value: tf.clone(value as Tensor),
      gradFunc: (dy: Tensor) => tf.zerosLike(dy),
    }));
    return tf.add(squares(x, y), tf.mean(tf.square(fixed(x))));
  });
  await assert.rejects(checkMethodGradients(other, "cutoff", PAIR), /the student's pooled/);
});

test("a loss that is not the same every time gives other bytes when it is compiled", async () => {
  let calls = 0;
  const plugin = methodOf("moody", (x, y) => {
    calls += 1;
    return tf.mul(squares(x, y), calls);
  });
  await assert.rejects(checkMethodEngines(plugin, "moody", PAIR), {
    name: "AssertionError",
    message: /graph and eager differ/,
  });
});

test("a data set that is not the same every time, or whose labels are none, is refused", async () => {
  const setOf = (name: string, byte: () => number, label = 0) =>
    definePlugin({
      datasets: [
        datasetInMemory({
          name,
          title: name,
          classNames: ["a", "b"],
          format: {
            height: 4,
            width: 4,
            channels: 3,
            normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
            augmentation: { kind: "shift", padding: 1 },
          },
          read() {
            const half = () => ({
              images: new Uint8Array(2 * 48).fill(byte()),
              labels: Uint8Array.of(0, label),
            });
            return { train: half(), test: half() };
          },
        }),
      ],
    });
  await checkDataset(
    setOf("steady", () => 7, 1),
    "steady",
  );
  let next = 0;
  await assert.rejects(
    checkDataset(
      setOf("restless", () => next++),
      "restless",
    ),
    /same images/,
  );
  await assert.rejects(
    checkDataset(
      setOf("beyond", () => 7, 2),
      "beyond",
    ),
    {
      name: "PefdError",
      message: /a label is 2, and there are 2 classes, from 0/,
    },
  );
});
