import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { OpenedMethod } from "#pefd/distill/open.js";
import { crossEntropy, distillKL } from "#pefd/distill/parts/losses.js";
import { distilling, type StudentOutput, supervised } from "#pefd/learn/objective.js";
import type { Model, ModelOutput } from "#pefd/nn/model.js";
import { loadTensorFlow, type Scalar, type Tensor, type Tensor2D, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const TEMPERATURE = 4;
const [LOGITS, GUIDE] = [
  [
    [1, -2, 0.5],
    [0.25, 3, -1],
  ],
  [
    [2, 0, -1],
    [-0.5, 1, 1.5],
  ],
];
const ONE_HOT = [
  [1, 0, 0],
  [0, 0, 1],
];
const [POOLED, GUIDE_POOLED] = [
  [[1], [3]],
  [[2], [7]],
];

const output = (logits: number[][], pooled: number[][]) =>
  ({ logits: tf.tensor2d(logits), pooled: tf.tensor2d(pooled), maps: [] }) as never as ModelOutput;

/** A method of one term, the mean squared difference of the vectors: (1 + 16) / 2. */
const METHOD = {
  name: "difference",
  termNames: ["difference"],
  sees: ["pooled"],
  state: [],
  teacherTrains: false,
  strongView: false,
  classView: false,
  wholeBatches: false,
  options: {},
  terms: ({ student, teacher }) => ({
    difference: tf.mean(tf.square(tf.sub(student.pooled as Tensor, teacher.pooled))) as Scalar,
  }),
} as OpenedMethod;
const DIFFERENCE = 8.5;

/** The loss of one batch, as numbers. */
function lossOf(weights: { gamma: number; alpha: number; beta: number }) {
  const teacher = { forward: () => output(GUIDE, GUIDE_POOLED) } as never as Model;
  const config = { teacher, teacherMaps: [0], method: METHOD, weights, temperature: TEMPERATURE };
  const { termNames, of } = distilling(config);
  tf.engine().startScope();
  try {
    const loss = of({ images: tf.zeros([2, 1, 1, 3]), labels: tf.tensor1d([0, 2], "int32") });
    const student = output(LOGITS, POOLED) as StudentOutput;
    const { value, terms } = loss(student, tf.tensor2d(ONE_HOT), { training: true, updates: [] });
    const [total, ...numbers] = [value, ...terms].map((term) => term.dataSync()[0] as number);
    return { value: total as number, termNames, terms: numbers };
  } finally {
    tf.engine().endScope();
  }
}

/** Cross entropy and KL of those logits, by what tests of the losses hold against PyTorch. */
const known = () =>
  tf.tidy(() => {
    const [own, guide, oneHot] = [LOGITS, GUIDE, ONE_HOT].map((rows) => tf.tensor2d(rows));
    const ce = crossEntropy(own as Tensor2D, oneHot as Tensor2D);
    const kl = distillKL(own as Tensor2D, guide as Tensor2D, TEMPERATURE);
    return { ce: ce.dataSync()[0] as number, kl: kl.dataSync()[0] as number };
  });

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-5, `${actual} instead of ${expected}`);

test("the loss is gamma CE + alpha KL + beta times the method's terms, which are told unweighted", () => {
  const { ce, kl } = known();
  const { value, termNames, terms } = lossOf({ gamma: 0.5, alpha: 2, beta: 3 });
  close(value, 0.5 * ce + 2 * kl + 3 * DIFFERENCE);
  assert.deepEqual(termNames, ["ce", "kl", "difference"]);
  for (const [i, expected] of [ce, kl, DIFFERENCE].entries()) close(terms[i] as number, expected);
});

test("a term of weight zero is neither computed nor told", () => {
  const { ce, kl } = known();
  const cases: [weights: [number, number, number], value: number, names: string[]][] = [
    [[1, 0, 0], ce, ["ce"]],
    [[0, 1, 0], kl, ["kl"]],
    [[0, 0, 2], 2 * DIFFERENCE, ["difference"]],
    [[0.1, 0.9, 0], 0.1 * ce + 0.9 * kl, ["ce", "kl"]],
  ];
  for (const [[gamma, alpha, beta], expected, names] of cases) {
    const { value, termNames, terms } = lossOf({ gamma, alpha, beta });
    close(value, expected);
    assert.deepEqual(termNames, names);
    assert.equal(terms.length, names.length);
  }
});

test("without a teacher the loss is the cross entropy", () => {
  tf.tidy(() => {
    const images = { images: tf.zeros([2, 1, 1, 3]), labels: tf.tensor1d([0, 2]) } as never;
    const loss = supervised.of(images)(output(LOGITS, POOLED), tf.tensor2d(ONE_HOT), {
      training: true,
      updates: [],
    });
    close(loss.value.dataSync()[0] as number, known().ce);
    assert.deepEqual([supervised.termNames, loss.terms], [[], []]);
  });
});
