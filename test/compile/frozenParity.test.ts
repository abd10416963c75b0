import assert from "node:assert/strict";
import { before, test } from "node:test";
import { frozen } from "#pefd/learn/learners.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { execute, result } from "../golden/compare/execute.js";
import { formulaValues, signedValue } from "../golden/compare/formula.js";
import { smallestOfFamilies } from "./scenes.js";

before(() => {
  loadTensorFlow();
});

const SHAPE = [8, 32, 32, 3];
const IMAGES = formulaValues(SHAPE, (i) => 2 * signedValue(1, i));

/** wrn_16_1 is too narrow for what wider ones showed: its first convolution joined with a batch normalisation. */
for (const name of [...smallestOfFamilies(), "wrn_16_2"]) {
  test(`a frozen ${name} gives the same logits in a graph as op by op, bit for bit`, () => {
    const { model, variables } = frozen(buildModel(name, 100, initialFill(name, 3, "teacher")));
    const calculation = {
      variables,
      feeds: { images: { values: IMAGES, shape: SHAPE, dtype: "float32" as const } },
      describe: ({ images }: { readonly images?: unknown }) => ({
        // Only these are read: what lies between may be joined.
        logits: model.forward(images as Tensor4D, { training: false, updates: [] }).logits,
      }),
    };
    const [eager, graph] = (["eager", "graph"] as const).map(
      (engine) => result(execute(engine, calculation), "logits").values,
    );
    assert.ok(eager?.every(Number.isFinite));
    assert.deepEqual(graph, eager);
    tf.dispose([...variables]);
  });
}
