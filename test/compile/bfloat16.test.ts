import assert from "node:assert/strict";
import { before, test } from "node:test";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { noiseImages, studentPupil, study, type Trace } from "./scenes.js";

before(() => {
  loadTensorFlow();
});

test("bfloat16: the first loss is within 2 % of float32's, and is not the same", (t) => {
  const lesson = { engine: "graph", train: noiseImages(16, 1), batchSize: 16, epochs: 1 } as const;
  const exact = study(studentPupil("ours"), lesson);
  let reduced: Trace;
  try {
    reduced = study(studentPupil("ours"), { ...lesson, precision: "bfloat16" });
  } catch (error) {
    // Some builds and processors have no bfloat16 kernel of a convolution.
    const reason = (error as Error).message;
    assert.match(reason, /No OpKernel|not support|Unimplemented|UNIMPLEMENTED/i);
    t.skip(reason.split("\n")[0]);
    return;
  }
  const [a, b] = [exact.losses[0] as number, reduced.losses[0] as number];
  assert.ok(Math.abs(b / a - 1) < 0.02, `${b} instead of ${a}`);
  assert.notEqual(a, b);
});
