import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { PrecisionName } from "#pefd/compile/types.js";
import { withLossScale } from "#pefd/learn/lossScale.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { withMany } from "../helpers/matrices.js";
import { lacksBfloat16 } from "../helpers/processor.js";
import { noiseImages, type Pupil, studentPupil, study, type Trace } from "./scenes.js";

before(() => {
  loadTensorFlow();
});

const SETUP = { engine: "graph", train: noiseImages(80, 1), batchSize: 16, epochs: 10 } as const;

let exact: Trace;
before(() => {
  exact = study(studentPupil("ours"), SETUP);
});

/** Bounds in percent: of the first loss, and of all 50. float16 has eight times bfloat16's digits. */
const BOUNDS: Readonly<Partial<Record<PrecisionName, readonly [number, number]>>> = {
  bfloat16: [2, 3],
  float16: [0.2, 1],
};

/** In float16 with loss scaling, as a run has it. */
function pupilIn(precision: PrecisionName): Pupil {
  const { learner, constants } = studentPupil("ours");
  return { learner: withLossScale(learner, precision), constants };
}

// On a processor the graph's convolutions alone are reduced in bfloat16; XLA reduces what it reduces for a GPU.
const CASES = [
  ["graph", "bfloat16"],
  ["graph", "float16"],
  ["xla", "bfloat16"],
  ["xla", "float16"],
] as const;
for (const [engine, precision] of CASES) {
  const skip = engine === "xla" ? withMany : precision === "bfloat16" && lacksBfloat16;
  const [first, all] = BOUNDS[precision] as readonly [number, number];
  const title = `${precision}, ${engine}: the first loss is within ${first} % of float32's, and 50 losses within ${all} %`;
  test(title, { skip }, (t) => {
    let reduced: Trace;
    try {
      reduced = study(pupilIn(precision), { ...SETUP, engine, precision });
    } catch (error) {
      // Some builds and processors have no kernel of 16 bits of a convolution.
      const reason = (error as Error).message;
      assert.match(reason, /No OpKernel|not support|Unimplemented|UNIMPLEMENTED/i);
      t.skip(reason.split("\n")[0]);
      return;
    }
    const errors = exact.losses.map((loss, i) => Math.abs((reduced.losses[i] as number) / loss - 1));
    assert.equal(errors.length, 50);
    assert.ok((errors[0] as number) < first / 100, `the first loss is off by ${errors[0]}`);
    const worst = Math.max(...errors);
    assert.ok(worst < all / 100, `step ${errors.indexOf(worst) + 1} is off by ${worst}`);
    assert.ok(worst > 0, "the losses are those of float32");
  });
}
