import assert from "node:assert/strict";
import { before, test } from "node:test";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { inWhole } from "../helpers/matrices.js";
import { noiseImages, studentPupil, study, type Trace } from "./scenes.js";

before(() => {
  loadTensorFlow();
});

const SETUP = { engine: "graph", train: noiseImages(80, 1), batchSize: 16, epochs: 10 } as const;

let exact: Trace;
before(() => {
  exact = study(studentPupil("ours"), SETUP);
});

// On a processor the graph's convolutions alone are reduced; XLA reduces what it reduces for a GPU.
for (const engine of ["graph", "xla"] as const) {
  const skip = engine === "xla" && inWhole;
  const title = `bfloat16, ${engine}: the first loss is within 2 % of float32's, and 50 losses within 3 %`;
  test(title, { skip }, (t) => {
    let reduced: Trace;
    try {
      reduced = study(studentPupil("ours"), { ...SETUP, engine, precision: "bfloat16" });
    } catch (error) {
      // Some builds and processors have no bfloat16 kernel of a convolution.
      const reason = (error as Error).message;
      assert.match(reason, /No OpKernel|not support|Unimplemented|UNIMPLEMENTED/i);
      t.skip(reason.split("\n")[0]);
      return;
    }
    const errors = exact.losses.map((loss, i) => Math.abs((reduced.losses[i] as number) / loss - 1));
    assert.equal(errors.length, 50);
    assert.ok((errors[0] as number) < 0.02, `the first loss is off by ${errors[0]}`);
    const worst = Math.max(...errors);
    assert.ok(worst < 0.03, `step ${errors.indexOf(worst) + 1} is off by ${worst}`);
    assert.ok(worst > 0, "the losses are those of float32");
  });
}
