import { inputError } from "../common/errors.js";
import { relu } from "../nn/activation.js";
import { biasAdd } from "../nn/bias.js";
import { addVariable, createBuilder } from "../nn/builder.js";
import type { StateEntry } from "../nn/model.js";
import { type Tensor, type Tensor2D, tf, type Variable } from "../runtime/tf.js";
import type { DistillSetting } from "./types.js";

/** Several linear projectors side by side. */
export interface ProjectorEnsemble {
  readonly state: readonly StateEntry[];
  /** @returns mean over the projectors of relu(W f + b), [N, outputs] from [N, inputs] */
  project(features: Tensor2D): Tensor2D;
}

/**
 * PEFD's projector ensemble: f = mean_i relu(W_i f_s + b_i). All projectors are one matrix product, since their
 * weights stacked are one matrix. With none, features are compared directly (the paper's ablation).
 * @throws inputError without projectors when the two sizes differ
 */
export function projectorEnsemble(setting: DistillSetting): ProjectorEnsemble {
  const { studentFeatureSize: inputs, teacherFeatureSize: outputs, numProjectors } = setting;
  if (numProjectors === 0) return identity(inputs, outputs);
  const builder = createBuilder("projectors", setting.fill);
  const weights: Variable[] = [];
  const biases: Variable[] = [];
  for (let i = 0; i < numProjectors; i++) {
    const add = (suffix: "weight" | "bias", shape: number[]) =>
      addVariable(builder, {
        name: `projectors.${i}.${suffix}`,
        role: `linear.${suffix}`,
        shape,
        fanIn: inputs,
      });
    weights.push(add("weight", [outputs, inputs]));
    biases.push(add("bias", [outputs]));
  }
  const project = (features: Tensor2D): Tensor2D => {
    const weight = tf.concat(weights as Tensor[] as Tensor2D[], 0); // [P * outputs, inputs]
    const z = biasAdd(tf.matMul(features, weight, false, true), tf.concat(biases as Tensor[], 0));
    return tf.mean(tf.reshape(relu(z), [-1, numProjectors, outputs]), 1);
  };
  return { state: builder.state, project };
}

function identity(inputs: number, outputs: number): ProjectorEnsemble {
  if (inputs !== outputs) {
    throw inputError(
      `--num_proj 0 compares features directly, but the student's have ${inputs} elements and the teacher's ${outputs}.`,
      "Give --num_proj 1 or more, or choose a pair whose features agree in size.",
    );
  }
  return { state: [], project: (features) => features };
}
