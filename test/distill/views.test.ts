import assert from "node:assert/strict";
import { before, test } from "node:test";
import { procedures } from "#pefd/distill/registry.js";
import { seenOutput, type TeacherView, usedViews } from "#pefd/distill/views.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { fakeOutput, fakePair, fakeStepContext, fittingPair, opened, termsOf } from "./fakes.js";

before(() => {
  loadTensorFlow();
});

const refusal = (view: string) => ({
  message: `The method uses the teacher's ${view}, which its row does not name.`,
});

for (const { name, method: row, set } of procedures()) {
  test(`${name} looks at what its row names of the teacher, and at nothing else`, () => {
    const pair = fittingPair(row, set);
    const method = opened(row, set, pair);
    tf.tidy(() => {
      termsOf(method, fakeStepContext(method, method.sees, pair));
      for (const missing of method.sees) {
        const rest = method.sees.filter((view) => view !== missing);
        assert.throws(() => termsOf(method, fakeStepContext(method, rest, pair)), /its row does not name/);
      }
    });
    for (const { variable } of method.state) variable?.dispose();
  });
}

test("a view that is not named is refused with its sentence, whether the value is there or not", () => {
  tf.tidy(() => {
    const { teacher } = fakePair();
    for (const output of [fakeOutput(teacher), {}]) {
      const seen = seenOutput(output, ["map2"], 3);
      assert.equal(seen.maps.length, 3);
      seen.maps[1];
      assert.throws(() => seen.maps.at(-1), refusal("map3"));
      assert.throws(() => seen.maps.map(({ out }) => out), refusal("map1"));
      assert.throws(() => seen.logits, refusal("logits"));
      assert.throws(() => seen.pooled, refusal("pooled"));
      assert.throws(() => seen.stem, refusal("stem"));
    }
    const all = seenOutput(fakeOutput(teacher), ["maps"], 3);
    assert.deepEqual(
      all.maps.map(({ out }) => out.shape.slice(1)),
      teacher.maps,
    );
  });
});

test("terms of weight zero look at nothing", () => {
  const pooled: TeacherView[] = ["pooled"];
  assert.deepEqual(usedViews(pooled, { alpha: 0, beta: 25 }), ["pooled"]);
  assert.deepEqual(usedViews(pooled, { alpha: 0.5, beta: 25 }), ["logits", "pooled"]);
  assert.deepEqual(usedViews(pooled, { alpha: 0.5, beta: 0 }), ["logits"]);
  assert.deepEqual(usedViews(["logits"], { alpha: 0.5, beta: 1 }), ["logits"]);
  assert.deepEqual(usedViews(["logits"], { alpha: 0, beta: 0 }), []);
});
