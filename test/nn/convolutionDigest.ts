import { createHash } from "node:crypto";
import { conv2d } from "#pefd/nn/convolution.js";
import { loadTensorFlow, type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";

// Run in a process of its own, with threads and instructions by the environment: a digest of convolutions' bits.
loadTensorFlow();
const digest = createHash("sha256");
for (const [size, inputs, outputs] of [
  [32, 32, 32],
  [8, 48, 256],
  [7, 16, 16],
] as const) {
  const x = tf.randomNormal([4, size, size, inputs], 0, 1, "float32", 1) as Tensor4D;
  const filter = tf.randomNormal([3, 3, inputs, outputs], 0, 1, "float32", 2);
  const y = (image: Tensor, weights: Tensor) =>
    tf.square(conv2d(image as Tensor4D, weights, { stride: 1, padding: 1 }));
  const [dx, dw] = tf.grads(y)([x, filter]);
  for (const tensor of [y(x, filter), dx as Tensor, dw as Tensor]) digest.update(tensor.dataSync());
}
process.stdout.write(digest.digest("hex"));
