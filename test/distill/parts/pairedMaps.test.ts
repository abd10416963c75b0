import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Pair } from "#pefd/distill/method.js";
import { toSmaller } from "#pefd/distill/parts/maps/pairedMaps.js";
import { METHODS } from "#pefd/distill/registry.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { fakePair, opened } from "../fakes.js";

before(() => {
  loadTensorFlow();
});

/** The pair of the other tests with other maps of the teacher, [H, W, C] each. */
function pairWith(...maps: number[][]): Pair {
  const pair = fakePair();
  return { ...pair, teacher: { ...pair.teacher, maps } };
}

const refused = (message: RegExp) => ({ name: "PefdError", exitCode: 2, message });

test("hint says which map a pair lacks, and which sizes no convolution joins", () => {
  const hint = METHODS.row("hint");
  const short = pairWith([8, 8, 4]);
  assert.throws(
    () => opened(hint, {}, short),
    refused(/student has 3 of stages, and the teacher 1/),
  );
  const wide = pairWith([8, 8, 4], [7, 7, 4], [2, 2, 8]);
  assert.throws(() => opened(hint, {}, wide), refused(/4x4 to the teacher's of 7x7/));
  const oblong = pairWith([8, 8, 4], [2, 1, 4], [2, 2, 8]);
  assert.throws(() => opened(hint, {}, oblong), refused(/4x4 to the teacher's of 2x1/));
});

for (const name of ["attention", "nst", "vid"]) {
  test(`${name} is refused where student and teacher have unequally many maps`, () => {
    const pair = pairWith([8, 8, 4], [4, 4, 4]);
    assert.throws(() => opened(METHODS.row(name), {}, pair), refused(/has 3 and the teacher 2/));
  });
}

test("the larger of two maps is pooled to the smaller one's size, whichever it is", () => {
  tf.tidy(() => {
    const [small, large] = [tf.ones([2, 4, 4, 3]), tf.ones([2, 8, 8, 5])] as [Tensor4D, Tensor4D];
    const shapes = (pair: Tensor4D[]) => pair.map(({ shape }) => shape);
    assert.deepEqual(shapes(toSmaller(small, large)), [
      [2, 4, 4, 3],
      [2, 4, 4, 5],
    ]);
    assert.deepEqual(shapes(toSmaller(large, small)), [
      [2, 4, 4, 5],
      [2, 4, 4, 3],
    ]);
  });
});
