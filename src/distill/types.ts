import type { Fill } from "../nn/builder.js";
import type { ModelOutput, StateEntry } from "../nn/model.js";
import type { Scalar } from "../runtime/tf.js";

/** Weights of the loss: gamma * cross entropy + alpha * KL + beta * the method's own term. */
export interface LossWeights {
  readonly gamma: number;
  readonly alpha: number;
  readonly beta: number;
}

/** What a method needs to know of the pair it works on. */
export interface DistillSetting {
  /** Sizes of the penultimate vectors. */
  readonly studentFeatureSize: number;
  readonly teacherFeatureSize: number;
  readonly numClasses: number;
  /** Number of projectors, where the method has them. */
  readonly numProjectors: number;
  /** kd_T */
  readonly temperature: number;
  /** First values of what the method adds. */
  readonly fill: Fill;
}

/** What a loss may look at of a teacher's output: the penultimate features, the logits. */
export type TeacherOutput = "features" | "logits";

/** A method at work on one pair. */
export interface Distillation {
  /** Trainable tensors that the method adds, under the names that its checkpoints use. */
  readonly state: readonly StateEntry[];
  /** The method's own term (beta's), a scalar. The teacher's outputs carry no gradient. */
  loss(student: ModelOutput, teacher: ModelOutput): Scalar;
}

/** One method of the registry. */
export interface MethodRow {
  /** The paper's spelling. */
  readonly name: string;
  readonly summary: string;
  readonly paper: string;
  /** The published weights, for flags not given. */
  readonly defaults: LossWeights;
  /** What its own term looks at of the teacher's output. */
  readonly teacherOutputs: readonly TeacherOutput[];
  build(setting: DistillSetting): Distillation;
}
