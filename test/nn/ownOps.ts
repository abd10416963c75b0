import assert from "node:assert/strict";
import {
  DT,
  intAttribute,
  type NativeAttribute,
  nativeBackend,
  stringAttribute,
  typeAttribute,
} from "#pefd/runtime/native.js";
import { ownInstructions } from "#pefd/runtime/ownModule.js";
import { loadTensorFlow, type Tensor, tf } from "#pefd/runtime/tf.js";

// Before the tests are declared: whether they are skipped is known only then.
loadTensorFlow();

/** Of tests that take our own convolutions. */
export const OWN = {
  skip: ownInstructions() === undefined && "no convolutions of our own on this processor",
};

/** PyTorch's padding, as TensorFlow has it. */
const padding = (kernel: number): NativeAttribute[] =>
  kernel === 1
    ? [stringAttribute("padding", "VALID")]
    : [stringAttribute("padding", "EXPLICIT"), intAttribute("explicit_paddings", [0, 0, 1, 1, 1, 1, 0, 0])];

/** Runs a convolution, one of its gradients, or one of both with what follows it. */
export const run = (op: string, inputs: Tensor[], kernel = 3, stride = 1): Tensor =>
  nativeBackend().executeSingleOutput(
    op,
    [typeAttribute("T", DT.float), intAttribute("strides", [1, stride, stride, 1]), ...padding(kernel)],
    inputs,
  );

/** The largest difference of two tensors, measured by the second's root mean square. */
export function distance(actual: Tensor, expected: Tensor): number {
  assert.deepEqual(actual.shape, expected.shape);
  const largest = tf.max(tf.abs(tf.sub(actual, expected)));
  const size = tf.sqrt(tf.mean(tf.square(expected)));
  return tf.div(largest, size).arraySync() as number;
}
