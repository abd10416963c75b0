import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BATCH_NORM_EPSILON, batchNormTraining } from "#pefd/nn/batchNormalization.js";
import {
  boolAttribute,
  DT,
  floatAttribute,
  nativeBackend,
  stringAttribute,
  typeAttribute,
} from "#pefd/runtime/native.js";
import { ownOpsServe } from "#pefd/runtime/ownOps.js";
import { loadTensorFlow, type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const attributes = () => [
  typeAttribute("T", DT.float),
  typeAttribute("U", DT.float),
  floatAttribute("epsilon", BATCH_NORM_EPSILON),
  stringAttribute("data_format", "NHWC"),
  boolAttribute("is_training", true),
];

/** By TensorFlow's ops: y, mean, variance, and the gradients of x, scale and offset. */
function standard(x: Tensor, scale: Tensor, offset: Tensor, dy: Tensor): Tensor[] {
  const { executeMultipleOutputs } = nativeBackend();
  const run = executeMultipleOutputs.bind(nativeBackend());
  const empty = tf.tensor1d([], "float32");
  const factor = floatAttribute("exponential_avg_factor", 1);
  const said = run("FusedBatchNormV3", [...attributes(), factor], [x, scale, offset, empty, empty], 6);
  const gradients = run("FusedBatchNormGradV3", attributes(), [dy, x, scale, ...said.slice(3)] as Tensor[], 5);
  return [...said.slice(0, 3), ...gradients.slice(0, 3)] as Tensor[];
}

/** The largest difference of two tensors. */
const distance = (a: Tensor, b: Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number;

for (const channels of [3, 24, 100]) {
  test(`our op and its gradient are TensorFlow's, but for the last bits: ${channels} channels`, (t) => {
    if (!ownOpsServe()) return t.skip("our own ops are not made for this processor");
    const random = (seed: number, shape: number[]) => tf.randomNormal(shape, 1, 2, "float32", seed);
    const [x, dy] = [random(1, [4, 5, 5, channels]), random(2, [4, 5, 5, channels])];
    const [scale, offset] = [random(3, [channels]), random(4, [channels])];
    const { y, mean, variance } = batchNormTraining(x as Tensor4D, scale, offset);
    const gradients = tf.grads(
      (...of: Tensor[]) => batchNormTraining(of[0] as Tensor4D, of[1] as Tensor, of[2] as Tensor).y,
    )([x, scale, offset], dy);
    const expected = standard(x, scale, offset, dy);
    for (const [i, ours] of [y, mean, variance, ...gradients].entries()) {
      const theirs = expected[i] as Tensor;
      const off = distance(ours, theirs) / distance(theirs, tf.scalar(0));
      assert.ok(off < 2e-6, `${i}: ${off}`);
    }
  });
}
