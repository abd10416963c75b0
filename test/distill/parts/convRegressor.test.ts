import assert from "node:assert/strict";
import { before, test } from "node:test";
import { convRegressor } from "#pefd/distill/parts/maps.js";
import { createBuilder } from "#pefd/nn/builder.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { formulaFill } from "../../golden/compare/formula.js";

before(() => {
  loadTensorFlow();
});

const IMAGES = 2;
const BATCH_NORM = [
  "regress_s.bn.weight",
  "regress_s.bn.bias",
  "regress_s.bn.running_mean",
  "regress_s.bn.running_var",
  "regress_s.bn.num_batches_tracked",
];

type Map3 = readonly [number, number, number];

/** Sizes of both maps, and PyTorch's shape of the convolution that leads from the first to the second. */
const CASES: readonly (readonly [what: string, student: Map3, teacher: Map3, weight: number[]])[] = [
  ["half the size", [8, 8, 4], [4, 4, 6], [6, 4, 3, 3]],
  ["twice the size", [4, 4, 4], [8, 8, 6], [4, 6, 4, 4]],
  ["the same size", [8, 8, 4], [8, 8, 6], [6, 4, 1, 1]],
  ["a little smaller", [8, 8, 4], [5, 5, 6], [6, 4, 4, 4]],
];

for (const [what, student, teacher, weight] of CASES) {
  test(`a regressor to ${what} gives maps of the teacher's shape, all of whose values move`, () => {
    const builder = createBuilder("regressor", formulaFill());
    const regress = convRegressor(builder, "regress_s", { student, teacher });
    const shapes = new Map(builder.state.map(({ name, shape }) => [name, shape]));
    assert.deepEqual(shapes.get("regress_s.conv.weight"), weight);
    assert.deepEqual(shapes.get("regress_s.conv.bias"), [teacher[2]]);
    assert.deepEqual([...shapes.keys()].slice(2), BATCH_NORM);
    tf.tidy(() => {
      const context = { training: true, updates: [] };
      const map = tf.randomNormal([IMAGES, ...student], 0, 1, "float32", 7) as Tensor4D;
      const out = regress(map, context);
      assert.deepEqual(out.shape, [IMAGES, ...teacher]);
      const values = new Set(out.dataSync());
      assert.ok(values.size > 0.9 * out.size, "no value is padding's alone");
    });
    for (const { variable } of builder.state) variable?.dispose();
  });
}
