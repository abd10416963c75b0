import assert from "node:assert/strict";
import { test } from "node:test";
import { type AheadRequest, teacherAhead } from "#pefd/train/teacherAhead.js";

const RESNET32X4 = { name: "resnet32x4", featureSize: 256, numClasses: 100 };

/** `ours` on an H100, as the paper has it. */
const USUAL: AheadRequest = {
  asked: undefined,
  method: {},
  teacher: RESNET32X4,
  views: ["pooled"],
  batchSize: 64,
  parts: [781],
  choice: { engine: "xla", precision: "bfloat16" },
  gpu: true,
  exact: false,
};

const stepsOf = (changes: Partial<AheadRequest>): number => teacherAhead({ ...USUAL, ...changes }).steps;

test("on a GPU the teacher looks at as many steps' images as memory near the processors has room for", () => {
  assert.equal(stepsOf({}), 4);
  assert.equal(stepsOf({ choice: { engine: "xla", precision: "float32" } }), 2);
  assert.equal(stepsOf({ batchSize: 128 }), 2);
  assert.equal(stepsOf({ batchSize: 16 }), 4);
  assert.equal(stepsOf({ batchSize: 512 }), 1);
  const large = { name: "RESNET34", featureSize: 512, numClasses: 1000 };
  assert.equal(stepsOf({ teacher: large, batchSize: 256 }), 1);
});

test("hardly more steps of an epoch fill no call than without", () => {
  assert.equal(stepsOf({ parts: [10] }), 2);
  assert.equal(stepsOf({ parts: [7] }), 1);
  assert.equal(stepsOf({ parts: [32] }), 4);
  assert.equal(stepsOf({ parts: [500, 281] }), 4);
});

test("maps that are kept from the teacher's pass to the step count, too", () => {
  assert.equal(stepsOf({ views: ["map3"] }), 4);
  assert.equal(stepsOf({ views: ["map1"] }), 1);
  assert.equal(stepsOf({ views: ["maps"] }), 1);
});

test("on a processor it looks at those of one step, unless more are asked for", () => {
  assert.equal(stepsOf({ gpu: false }), 1);
  assert.equal(stepsOf({ gpu: false, asked: 8 }), 8);
  assert.equal(stepsOf({ asked: 1 }), 1);
});

test("where it cannot be had, the reason is told to those who asked, and to nobody else", () => {
  const cases: [Partial<AheadRequest>, RegExp][] = [
    [{ choice: { engine: "graph", precision: "float32" } }, /graph engine takes one step/],
    [{ exact: true }, /--deterministic/],
    [{ method: { teacherMode: "training" } }, /statistics of each batch/],
    [{ views: [] }, /does not look at the teacher/],
  ];
  for (const [changes, reason] of cases) {
    const asked = teacherAhead({ ...USUAL, ...changes, asked: 4 });
    assert.equal(asked.steps, 1);
    assert.match(asked.why ?? "", reason);
    assert.deepEqual(teacherAhead({ ...USUAL, ...changes }), { steps: 1 });
    assert.deepEqual(teacherAhead({ ...USUAL, ...changes, asked: 1 }), { steps: 1 });
  }
});
