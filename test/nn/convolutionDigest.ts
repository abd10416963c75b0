import { createHash } from "node:crypto";
import { conv2d, depthwiseConv2d } from "#pefd/nn/convolution/convolution.js";
import { groupedConv2d } from "#pefd/nn/layers.js";
import { loadTensorFlow, type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";

// Run in a process of its own, with threads and instructions by the environment: a digest of convolutions' bits.
loadTensorFlow();
const digest = createHash("sha256");

/** Takes in the bits of a convolution of some numbers, and of its gradients. */
function digestOf(images: number[], weights: number[], convolve: (x: Tensor4D, filter: Tensor) => Tensor): void {
  const x = tf.randomNormal(images, 0, 1, "float32", 1);
  const filter = tf.randomNormal(weights, 0, 1, "float32", 2);
  const y = (a: Tensor, b: Tensor) => tf.square(convolve(a as Tensor4D, b));
  const [dx, dw] = tf.grads(y)([x, filter]);
  for (const tensor of [y(x, filter), dx as Tensor, dw as Tensor]) digest.update(tensor.dataSync());
}

for (const [size, inputs, outputs, kernel, stride] of [
  [32, 32, 32, 3, 1],
  [8, 48, 256, 3, 1],
  [7, 16, 16, 3, 1],
  [16, 64, 128, 3, 2],
  [16, 64, 128, 1, 2],
  [9, 32, 64, 1, 1],
] as const) {
  digestOf([4, size, size, inputs], [kernel, kernel, inputs, outputs], (x, filter) =>
    conv2d(x, filter, { stride, padding: (kernel - 1) / 2 }),
  );
}
for (const stride of [1, 2]) {
  digestOf([4, 32, 32, 3], [3, 3, 3, 32], (x, filter) => conv2d(x, filter, { stride, padding: 1 }));
}
for (const [size, inputs, outputs, groups] of [
  [9, 12, 70, 1],
  [16, 54, 216, 3],
  [7, 240, 60, 3],
] as const) {
  digestOf([4, size, size, inputs], [1, 1, inputs / groups, outputs], (x, filter) =>
    groupedConv2d(x, filter, { stride: 1, padding: 0, groups }),
  );
}
for (const [size, channels, stride] of [
  [16, 58, 1],
  [15, 24, 2],
] as const) {
  digestOf([20, size, size, channels], [3, 3, channels, 1], (x, filter) =>
    depthwiseConv2d(x, filter, { stride, padding: 1 }),
  );
}
process.stdout.write(digest.digest("hex"));
