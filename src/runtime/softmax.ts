import type { Tensor, TensorFlow } from "./tensorTypes.js";

/**
 * Has tfjs compute softmax from other ops, as exp(x - max x) / sum(exp(x - max x)). TensorFlow has two kernels for it,
 * one for ops that are called one by one and another in graphs, and their last bits differ. The gradient stays.
 */
export function composeSoftmax(tf: TensorFlow): void {
  const kernel = { kernelName: "Softmax", backendName: "tensorflow" };
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel({
    ...kernel,
    kernelFunc: ({ inputs, attrs }) => {
      const logits = inputs.logits as Tensor;
      const axis = (attrs as { dim: number }).dim;
      return tf.tidy(() => {
        const exponentials = tf.exp(tf.sub(logits, tf.max(logits, axis, true)));
        return tf.div(exponentials, tf.sum(exponentials, axis, true));
      });
    },
  });
}
