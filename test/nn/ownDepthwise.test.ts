import assert from "node:assert/strict";
import { test } from "node:test";
import { ownOp } from "#pefd/ops/ops.js";
import type { Tensor } from "#pefd/runtime/tf.js";
import { random, sizes } from "../native/ops.js";
import { distance, OWN, run } from "./ownOps.js";

/** Sizes [N, H, W, C]: channels that fill vectors and others, single pixels, sizes that are odd. */
const SIZES = [
  [1, 1, 1, 1],
  [2, 5, 7, 24],
  [3, 8, 8, 58],
  [2, 33, 2, 16],
  [70, 4, 4, 54],
] as const;

for (const stride of [1, 2]) {
  for (const [n, h, w, channels] of SIZES) {
    test(
      `depthwise, stride ${stride}, [${[n, h, w, channels]}]: a convolution and its gradients are TensorFlow's`,
      OWN,
      () => {
        const results = (size: number) => Math.floor((size - 1) / stride) + 1;
        const x = random([n, h, w, channels], 1);
        const filter = random([3, 3, channels, 1], 2);
        const dy = random([n, results(h), results(w), channels], 3);
        const calls: Record<string, Tensor[]> = {
          DepthwiseConv2dNative: [x, filter],
          DepthwiseConv2dNativeBackpropInput: [sizes(x.shape), filter, dy],
          DepthwiseConv2dNativeBackpropFilter: [x, sizes(filter.shape), dy],
        };
        for (const [op, operands] of Object.entries(calls)) {
          const error = distance(run(ownOp(op), operands, 3, stride), run(op, operands, 3, stride));
          assert.ok(error < 1e-4, `${op}: ${error}`);
        }
      },
    );
  }
}

test("what a depthwise convolution does not compute is refused with a reason", OWN, () => {
  const op = ownOp("DepthwiseConv2dNative");
  const [images, filter] = [
    [2, 4, 4, 6],
    [3, 3, 6, 1],
  ] as const;
  const call = (x: readonly number[], w: readonly number[]) => () => run(op, [random([...x], 1), random([...w], 2)]);
  assert.throws(call(images, [5, 5, 6, 1]), /\[3, 3, channels, 1\]/);
  assert.throws(call(images, [3, 3, 6, 2]), /\[3, 3, channels, 1\]/);
  assert.throws(call(images, [3, 3, 5, 1]), /with the filter's channels/);
  assert.throws(call([4, 4, 6], filter), /Images must be \[N, H, W, C\]/);
  assert.throws(() => run(op, [random([...images], 1), random([...filter], 2)], 3, 3), /Strides must/);
  const dy = random([2, 4, 3, 6], 3);
  const gradients: Record<string, Tensor[]> = {
    DepthwiseConv2dNativeBackpropInput: [sizes([...images]), random([...filter], 2), dy],
    DepthwiseConv2dNativeBackpropFilter: [random([...images], 1), sizes([...filter]), dy],
  };
  for (const [gradient, operands] of Object.entries(gradients)) {
    assert.throws(() => run(ownOp(gradient), operands), /the sizes of the result/);
  }
});
