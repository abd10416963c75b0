import { nativeBackend } from "../runtime/native.js";
import { type Tensor, type Tensor2D, type Tensor4D, tf, type Variable } from "../runtime/tf.js";
import { batchNormHeld, batchNormInference, batchNormTraining } from "./batchNormalization.js";
import { addCounter, addVariable, type Initializer, type ModelBuilder } from "./builder.js";
import { type ConvolutionGeometry, conv2d, depthwiseConv2d, ownGroupedConv2d } from "./convolution/convolution.js";
import { defineOp } from "./defineOp.js";
import { biasAttributes, sumOfRows } from "./gradients.js";
import type { ForwardContext } from "./model.js";

const biasAddOp = defineOp({
  name: "biasAdd",
  inputs: ["x", "bias"],
  outputs: ["y"],
  saved: [],
  forward: ({ x, bias }) => [nativeBackend().executeSingleOutput("BiasAdd", biasAttributes(), [x, bias])],
  gradient: (dy) => ({
    x: () => dy.clone(),
    bias: () => sumOfRows(dy),
  }),
});

/** BiasAdd of x [..., C] and [C], which the graph optimizer fuses into the convolution or matrix product before it. */
export const biasAdd = <T extends Tensor>(x: T, bias: Tensor): T => biasAddOp({ x, bias }).y as T;

type GroupedGeometry = ConvolutionGeometry & { readonly groups: number };

/** torch.nn.functional.conv2d with groups, x [N, H, W, groups * I], [kernel, kernel, I, O], the first group first. */
export function groupedConv2d(x: Tensor4D, filter: Tensor, { groups, ...geometry }: GroupedGeometry): Tensor4D {
  return ownGroupedConv2d(x, filter, geometry) ?? convolvedApart(x, filter, { groups, ...geometry });
}

/** The same, group by group. */
function convolvedApart(x: Tensor4D, filter: Tensor, { groups, ...geometry }: GroupedGeometry): Tensor4D {
  const blocks = tf.split(x, groups, 3);
  const filters = tf.split(filter, groups, 3);
  return tf.concat(
    blocks.map((block, i) => conv2d(block as Tensor4D, filters[i] as Tensor, geometry)),
    3,
  );
}

/** torch.nn.BatchNorm2d's default momentum: the weight of the newest batch in the running statistics. */
const STATISTICS_MOMENTUM = 0.1;

/** Shape of a convolution: kernel x kernel, the same stride and padding in both directions. */
export interface ConvolutionOptions extends ConvolutionGeometry {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly bias?: boolean;
  /** One filter per channel (groups = inputs = outputs). */
  readonly depthwise?: boolean;
  /** Overrides the owner's initialization. */
  readonly initializer?: Initializer;
  /** Groups; 1 by default. */
  readonly groups?: number;
}

export interface ConvolutionLayer {
  (x: Tensor4D): Tensor4D;
  readonly filter: Variable;
  readonly bias: Variable | undefined;
  /** The same convolution with another filter. */
  readonly convolve: (x: Tensor4D, filter: Tensor) => Tensor4D;
}

/** torch.nn.Conv2d. @returns a layer from [N, H, W, inputs] to [N, H', W', outputs] */
export function convolution(builder: ModelBuilder, name: string, options: ConvolutionOptions): ConvolutionLayer {
  const { outputs, kernel, depthwise = false, groups = 1, initializer } = options;
  const inputs = options.inputs / groups;
  const shape = [outputs, depthwise ? 1 : inputs, kernel, kernel];
  const fanIn = (shape[1] as number) * kernel * kernel;
  const filter = addVariable(
    builder,
    { name: `${name}.weight`, role: "conv.weight", shape, fanIn, ...(initializer && { initializer }) },
    depthwise ? [kernel, kernel, outputs, 1] : [kernel, kernel, inputs, outputs],
  );
  const bias = options.bias
    ? addVariable(builder, { name: `${name}.bias`, role: "conv.bias", shape: [outputs], fanIn })
    : undefined;
  const op = depthwise ? depthwiseConv2d : groups === 1 ? conv2d : groupedConv2d;
  const convolve = (x: Tensor4D, weights: Tensor) => op(x, weights, { ...options, groups });
  const layer = (x: Tensor4D) => (bias === undefined ? convolve(x, filter) : biasAdd(convolve(x, filter), bias));
  return Object.assign(layer, { filter, bias, convolve });
}

export interface BatchNormLayer {
  (x: Tensor4D, context: ForwardContext): Tensor4D;
  readonly scale: Variable;
  readonly offset: Variable;
  readonly mean: Variable;
  readonly variance: Variable;
}

/** torch.nn.BatchNorm2d. Training adds running statistics to the context; another run in a step continues from them. */
export function batchNorm(builder: ModelBuilder, name: string, channels: number): BatchNormLayer {
  const add = (suffix: string, role: "weight" | "bias" | "running_mean" | "running_var") =>
    addVariable(builder, { name: `${name}.${suffix}`, role: `bn.${role}`, shape: [channels], fanIn: channels });
  const scale = add("weight", "weight");
  const offset = add("bias", "bias");
  const mean = add("running_mean", "running_mean");
  const variance = add("running_var", "running_var");
  addCounter(builder, `${name}.num_batches_tracked`);
  const layer = (x: Tensor4D, context: ForwardContext): Tensor4D => {
    if (!context.training) return batchNormInference(x, scale, offset, mean, variance);
    if (context.inEvaluation?.has(mean)) return batchNormHeld(x, scale, offset, mean, variance);
    const batch = batchNormTraining(x, scale, offset);
    moveStatistic(context, mean, batch.mean);
    moveStatistic(context, variance, batch.variance);
    return batch.y;
  };
  return Object.assign(layer, { scale, offset, mean, variance });
}

const movingAverage = (running: Tensor, batch: Tensor): Tensor =>
  tf.add(tf.mul(running, 1 - STATISTICS_MOMENTUM), tf.mul(batch, STATISTICS_MOMENTUM));

/** One update for each statistic, however often its layer runs in a step. */
function moveStatistic({ updates }: ForwardContext, statistic: Variable, batch: Tensor): void {
  const at = updates.findIndex(([variable]) => variable === statistic);
  const [, running] = updates[at] ?? [statistic, statistic];
  updates.splice(at < 0 ? updates.length : at, 1, [statistic, movingAverage(running, batch)]);
}

/** torch.nn.Linear. @returns a layer from [N, inputs] to [N, outputs] */
export function linear(
  builder: ModelBuilder,
  name: string,
  inputs: number,
  outputs: number,
): (x: Tensor2D) => Tensor2D {
  const weight = addVariable(builder, {
    name: `${name}.weight`,
    role: "linear.weight",
    shape: [outputs, inputs],
    fanIn: inputs,
  });
  const bias = addVariable(builder, { name: `${name}.bias`, role: "linear.bias", shape: [outputs], fanIn: inputs });
  return (x) => biasAdd(tf.matMul(x, weight as Tensor as Tensor2D, false, true), bias);
}
