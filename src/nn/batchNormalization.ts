import { OWN_BATCH_NORM, OWN_BATCH_NORM_GRADIENT } from "../ops/own.js";
import {
  boolAttribute,
  DT,
  floatAttribute,
  type NativeAttribute,
  nativeBackend,
  stringAttribute,
  typeAttribute,
} from "../runtime/native.js";
import { ownOpsServe } from "../runtime/ownOps.js";
import { type Tensor, type Tensor1D, type Tensor4D, tf } from "../runtime/tf.js";
import { defineOp } from "./defineOp.js";
import { rsqrt } from "./gradients.js";

/** torch.nn.BatchNorm2d's default eps. */
export const BATCH_NORM_EPSILON = 1e-5;

const epsilon = (): NativeAttribute => floatAttribute("epsilon", BATCH_NORM_EPSILON);

const attributes = (training: boolean): NativeAttribute[] => [
  typeAttribute("T", DT.float),
  typeAttribute("U", DT.float),
  epsilon(),
  stringAttribute("data_format", "NHWC"),
  boolAttribute("is_training", training),
];

/** Outputs of FusedBatchNormV3; the last three are for its gradient. */
const OUTPUTS = ["y", "mean", "variance", "reserved1", "reserved2", "reserved3"] as const;

/** TensorFlow's op, for CPU and GPU. */
const standardTraining = defineOp({
  name: "batchNormTraining",
  inputs: ["x", "scale", "offset"],
  outputs: OUTPUTS,
  saved: ["x", "scale", "reserved1", "reserved2", "reserved3"],
  forward: ({ x, scale, offset }) => {
    const empty = tf.tensor1d([], "float32");
    return nativeBackend().executeMultipleOutputs(
      "FusedBatchNormV3",
      [...attributes(true), floatAttribute("exponential_avg_factor", 1)],
      [x, scale, offset, empty, empty],
      OUTPUTS.length,
    );
  },
  gradient: (dy, { x, scale, reserved1, reserved2, reserved3 }) => {
    const [dx, dScale, dOffset] = nativeBackend().executeMultipleOutputs(
      "FusedBatchNormGradV3",
      attributes(true),
      [dy, x, scale, reserved1, reserved2, reserved3],
      5,
    ) as [Tensor, Tensor, Tensor];
    return { x: () => dx, scale: () => dScale, offset: () => dOffset };
  },
});

/** Our op, on all threads of a CPU (docs/kernels.md). */
const ownTraining = defineOp({
  name: "ownBatchNormTraining",
  inputs: ["x", "scale", "offset"],
  outputs: ["y", "mean", "variance", "inverse"],
  saved: ["x", "scale", "mean", "inverse"],
  forward: ({ x, scale, offset }) =>
    nativeBackend().executeMultipleOutputs(
      OWN_BATCH_NORM,
      [typeAttribute("T", DT.float), epsilon()],
      [x, scale, offset],
      4,
    ),
  gradient: (dy, { x, scale, mean, inverse }) => {
    const [dx, dScale, dOffset] = nativeBackend().executeMultipleOutputs(
      OWN_BATCH_NORM_GRADIENT,
      [typeAttribute("T", DT.float)],
      [dy, x, scale, mean, inverse],
      3,
    ) as [Tensor, Tensor, Tensor];
    return { x: () => dx, scale: () => dScale, offset: () => dOffset };
  },
});

export interface TrainingNormalization {
  readonly y: Tensor4D;
  /** [C] */
  readonly mean: Tensor1D;
  /** [C], divided by n - 1 */
  readonly variance: Tensor1D;
}

/** torch.nn.BatchNorm2d in training, x [N, H, W, C], others [C]. @returns the unbiased variance, as running_var */
export function batchNormTraining(x: Tensor4D, scale: Tensor, offset: Tensor): TrainingNormalization {
  const training = ownOpsServe() ? ownTraining : standardTraining;
  const { y, mean, variance } = training({ x, scale, offset });
  return { y: y as Tensor4D, mean: mean as Tensor1D, variance: variance as Tensor1D };
}

/** torch.nn.BatchNorm2d in evaluation within a step, x [N, H, W, C]; composed, as TensorFlow's rounds otherwise. */
export function batchNormHeld(x: Tensor4D, scale: Tensor, offset: Tensor, mean: Tensor, variance: Tensor): Tensor4D {
  const factor = tf.mul(scale, rsqrt(tf.add(variance, BATCH_NORM_EPSILON)));
  return tf.add(tf.mul(tf.sub(x, mean), factor), offset) as Tensor4D;
}

/** torch.nn.BatchNorm2d in evaluation, for x [N, H, W, C] and given statistics [C]. Not differentiable. */
export function batchNormInference(
  x: Tensor4D,
  scale: Tensor,
  offset: Tensor,
  mean: Tensor,
  variance: Tensor,
): Tensor4D {
  return nativeBackend().executeMultipleOutputs(
    "FusedBatchNormV3",
    attributes(false),
    [x, scale, offset, mean, variance],
    OUTPUTS.length,
  )[0] as Tensor4D;
}
