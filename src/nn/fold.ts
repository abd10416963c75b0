import { type Tensor4D, tf, type Variable } from "../runtime/tf.js";
import { BATCH_NORM_EPSILON } from "./batchNormalization.js";
import type { ModelBuilder } from "./builder.js";
import { type BatchNormLayer, biasAdd, type ConvolutionLayer } from "./layers.js";
import type { ForwardContext } from "./model.js";

/** A convolution and its batch normalisation; frozen, they are one convolution with a bias, as both are linear in x. */
export function normalizedConvolution(
  builder: ModelBuilder,
  conv: ConvolutionLayer,
  bn: BatchNormLayer,
): (x: Tensor4D, context: ForwardContext) => Tensor4D {
  let folded: { filter: Variable; bias: Variable } | undefined;
  builder.folds.push(() => {
    folded = fold(conv, bn);
    return [folded.filter, folded.bias];
  });
  return (x, context) => {
    if (context.training || folded === undefined) return bn(conv(x), context);
    return biasAdd(conv.convolve(x, folded.filter), folded.bias);
  };
}

/** Folded weights, computed in float64 on the host and rounded once. */
function fold(conv: ConvolutionLayer, bn: BatchNormLayer): { filter: Variable; bias: Variable } {
  const [scale, offset, mean, variance] = [bn.scale, bn.offset, bn.mean, bn.variance].map((variable) =>
    variable.dataSync(),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const factor = Array.from(scale, (value, c) => value / Math.sqrt((variance[c] as number) + BATCH_NORM_EPSILON));
  const convBias = conv.bias?.dataSync();
  const bias = Float32Array.from(
    offset,
    (value, c) => value + ((convBias?.[c] ?? 0) - (mean[c] as number)) * (factor[c] as number),
  );
  // The output channel is the last axis of [kernel, kernel, I, O] and of [kernel, kernel, C, 1] flattened.
  const channels = factor.length;
  const filter = Float32Array.from(conv.filter.dataSync());
  for (let first = 0; first < filter.length; first += channels) {
    for (let c = 0; c < channels; c++) filter[first + c] = (filter[first + c] as number) * (factor[c] as number);
  }
  return {
    filter: constantVariable(filter, conv.filter.shape, `${conv.filter.name}/folded`),
    bias: constantVariable(bias, [channels], `${conv.filter.name}/folded_bias`),
  };
}

function constantVariable(values: Float32Array, shape: number[], name: string): Variable {
  const initial = tf.tensor(values, shape, "float32");
  const variable = tf.variable(initial, false, name);
  initial.dispose();
  return variable;
}

/** Freezes a model for good: evaluation uses folded weights. @returns the variables that replace the folded layers' */
export const foldAll = (builder: ModelBuilder): Variable[] => builder.folds.flatMap((f) => f());
