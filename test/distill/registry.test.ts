import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { before, test } from "node:test";
import { PAIRS } from "#pefd/config/pairPresets.js";
import { parseValue } from "#pefd/config/resolve.js";
import { defineMethod } from "#pefd/distill/method.js";
import { METHODS, methodRow, procedures } from "#pefd/distill/registry.js";
import { loadTensorFlow, type Tensor2D, tf } from "#pefd/runtime/tf.js";
import { procedureNamed } from "../helpers/procedures.js";
import { fakePair, fakeStepContext, fittingPair, opened, termsOf } from "./fakes.js";

before(() => {
  loadTensorFlow();
});

test("the paper's methods and their published weights", () => {
  const told = METHODS.rows().map(({ name, weights }) => [name, weights] as const);
  const weights = Object.fromEntries(told);
  assert.deepEqual(weights.ours, { gamma: 1, alpha: 0, beta: 25 });
  assert.deepEqual(weights.kd, { gamma: 0.1, alpha: 0, beta: 0.9 });
  assert.deepEqual(weights.kd1proj, { gamma: 0.1, alpha: 0, beta: 0.9 });
});

test("an unknown method is refused with the nearest name", () => {
  assert.throws(() => methodRow("our"), { exitCode: 2, message: /Did you mean ours/ });
});

test("projectors map the student's width to the teacher's and are named for checkpoints", () => {
  const { state } = opened(methodRow("ours"), { num_proj: 3 });
  assert.deepEqual(
    state.map(({ name, shape }) => [name, shape]),
    [0, 1, 2].flatMap((i) => [
      [`projectors.${i}.weight`, [8, 6]],
      [`projectors.${i}.bias`, [8]],
    ]),
  );
  for (const { variable } of state) variable?.dispose();
});

test("without projectors features are compared directly, and only where the sizes agree", () => {
  const row = methodRow("ours");
  assert.throws(() => opened(row, { num_proj: 0 }), { exitCode: 2, message: /6.*8/ });
  const pair = { ...fakePair(), teacher: fakePair().student };
  const direct = opened(row, { num_proj: 0 }, pair);
  assert.equal(direct.state.length, 0);
  tf.tidy(() => {
    const at = fakeStepContext(direct, direct.sees, pair);
    const student = tf.tensor2d([1, 0, 0, 0, 2, 0], [2, 3]) as Tensor2D;
    const teacher = tf.tensor2d([3, 0, 0, 0, 0, 5], [2, 3]) as Tensor2D;
    const between = {
      ...at,
      student: { ...at.student, pooled: student },
      teacher: { pooled: teacher } as typeof at.teacher,
    };
    const { alignment } = termsOf(direct, between); // cosines 1 and 0
    assert.ok(Math.abs((alignment as number) - 0.5) < 1e-6);
  });
});

for (const { name, method: row, set } of procedures()) {
  test(`${name} gives finite scalars under the names of its row, and frees what it makes`, () => {
    const pair = fittingPair(row, set);
    const before = tf.memory().numTensors;
    const method = opened(row, set, pair);
    const terms = tf.tidy(() => termsOf(method, fakeStepContext(method, method.sees, pair)));
    assert.deepEqual(
      Object.keys(terms).filter((name) => !row.terms.includes(name)),
      [],
    );
    assert.ok(Object.values(terms).every(Number.isFinite), JSON.stringify(terms));
    for (const { variable } of method.state) variable?.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
}

test("what is published for a pair names options of the method, with values that they allow", () => {
  for (const { name, options, weights, defaults = {}, published = [] } of procedures()) {
    for (const setting of published) {
      const told = Object.entries(setting.options ?? {});
      for (const [option, value] of told) {
        const row = options[option];
        assert.ok(row, `${name} has no option ${option}`);
        assert.equal(parseValue(`${name}'s ${option}`, row, value), value);
        assert.notEqual(value, defaults[option] ?? row.fallback, `${name}: ${option} ${value} is the default`);
      }
      assert.deepEqual(Object.keys({ ...weights, ...setting.weights }), Object.keys(weights));
      const { weights: own, defaults: others } = setting;
      assert.ok(told.length > 0 || own !== undefined || others !== undefined, name);
    }
    const pairs = published.flatMap((setting) => setting.pairs);
    assert.equal(new Set(pairs).size, pairs.length, `${name} tells of a pair twice`);
    const unknown = pairs.filter((pair) => !readdirSync(PAIRS).includes(`${pair}.json`));
    assert.deepEqual(unknown, [], `${name}: configs/pairs has them`);
  }
});

test("what was published under a name of its own sets options of its method, and no two have one name", () => {
  const names = procedures().map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, options, set, defaults = {} } of procedures()) {
    for (const [option, value] of Object.entries({ ...defaults, ...set })) {
      const row = options[option];
      if (row !== undefined) assert.equal(parseValue(`${name}'s ${option}`, row, value), value);
    }
    const unknown = Object.keys(set).filter((option) => options[option] === undefined);
    assert.deepEqual(unknown, [], name);
  }
  assert.equal(procedureNamed("lskd_kd").method, methodRow("kd"));
  assert.throws(() => methodRow("lskd"), { exitCode: 2, message: /unknown distillation/ });
});

test("a term cannot take a name that the loss itself has", () => {
  assert.throws(() => defineMethod({ ...methodRow("kd"), terms: ["ce"] }), /cannot name a term ce/);
});
