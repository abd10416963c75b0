import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { StepContext } from "#pefd/distill/method.js";
import { methodRow } from "#pefd/distill/registry.js";
import type { ModelOutput } from "#pefd/nn/model.js";
import { loadTensorFlow, type Tensor2D, tf } from "#pefd/runtime/tf.js";
import { opened, termsOf } from "./fakes.js";

before(() => {
  loadTensorFlow();
});

/** The terms of a method that looks at logits alone, for one image whose label is class 0, after the warm-up. */
function terms(name: string, student: number[], teacher: number[], told: object = {}) {
  const output = (logits: number[]) => ({ logits: tf.tensor2d([logits]) }) as ModelOutput;
  return tf.tidy(() => {
    const at = {
      student: output(student),
      teacher: output(teacher),
      epoch: tf.scalar(100),
      oneHot: tf.tensor2d([student.map((_, i) => (i === 0 ? 1 : 0))]) as Tensor2D,
    } as StepContext;
    return termsOf(opened(methodRow(name), told), at);
  });
}

const near = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs((actual as number) - expected) < 1e-5 * Math.max(1, expected), `${actual}`);

test("rld compares the label's probability with that of the teacher's choice, and leaves out what it prefers", () => {
  const odds = [Math.log(3), 0, Math.log(6)]; // 0.3, 0.1, 0.6
  const even = [0, 0, 0];
  const { scd, mcd } = terms("rld", even, odds);
  near(scd, 0.6 * Math.log(0.6 / (1 / 3)) + 0.4 * Math.log(0.4 / (2 / 3)));
  near(mcd, 0); // one class is left: nothing to compare
  const ranked = terms("rld", [...even, 0], [0, -4 * Math.log(3), 4, -4]);
  assert.ok((ranked.mcd as number) > 0, "two classes stand below the label");
  near(terms("rld", even, [-1, 2, 3]).mcd, 0);
});

test("probabilities that are zero in single precision have a loss that is a number", () => {
  for (const name of ["rld", "dkd"]) {
    const found = terms(name, [-900, 0, 900], [900, 0, -900], { rld_T: 1, dkd_T: 1 });
    assert.ok(Object.values(found).every(Number.isFinite), JSON.stringify(found));
  }
});

test("standardized logits have no scale and no place: teachers that differ by them teach the same", () => {
  const [student, teacher] = [
    [1, 2, 4],
    [3, 1, 2],
  ];
  const moved = teacher.map((logit) => 50 * logit - 7);
  for (const name of ["kd", "dkd"]) {
    const [own] = Object.values(terms(name, student, teacher, { lskd: true }));
    const [other] = Object.values(terms(name, student, moved, { lskd: true }));
    near(other, own as number);
    assert.notDeepEqual(terms(name, student, moved), terms(name, student, teacher));
  }
});

test("ofa's power above 1 weighs the label more, and at 1 the loss is kd's cross entropy", () => {
  const [student, teacher] = [
    [0, 0, 0],
    [Math.log(2), 0, 0],
  ];
  near(terms("ofa", student, teacher).ofa, Math.log(3));
  near(terms("ofa", student, teacher, { ofa_eps: 2 }).ofa, (1.5 ** 2 - 1 + 2 * 0.25 ** 2) * Math.log(3));
});
