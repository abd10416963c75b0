import { createHash } from "node:crypto";
import { conv2d } from "#pefd/nn/convolution/convolution.js";
import { loadTensorFlow, type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";

// Run in a process of its own, with threads and instructions by the environment: a digest of convolutions' bits.
loadTensorFlow();
const digest = createHash("sha256");
for (const [size, inputs, outputs, kernel, stride] of [
  [32, 32, 32, 3, 1],
  [8, 48, 256, 3, 1],
  [7, 16, 16, 3, 1],
  [16, 64, 128, 3, 2],
  [16, 64, 128, 1, 2],
  [9, 32, 64, 1, 1],
] as const) {
  const x = tf.randomNormal([4, size, size, inputs], 0, 1, "float32", 1) as Tensor4D;
  const filter = tf.randomNormal([kernel, kernel, inputs, outputs], 0, 1, "float32", 2);
  const y = (image: Tensor, weights: Tensor) =>
    tf.square(conv2d(image as Tensor4D, weights, { stride, padding: (kernel - 1) / 2 }));
  const [dx, dw] = tf.grads(y)([x, filter]);
  for (const tensor of [y(x, filter), dx as Tensor, dw as Tensor]) digest.update(tensor.dataSync());
}
process.stdout.write(digest.digest("hex"));
