import { inputError } from "../../../common/errors.js";
import { relu } from "../../../nn/activation.js";
import { biasAdd } from "../../../nn/bias.js";
import { addVariable, type ModelBuilder } from "../../../nn/builder.js";
import { type Tensor, type Tensor2D, tf, type Variable } from "../../../runtime/tf.js";

/** From [N, inputs] to [N, outputs]. */
type Project = (features: Tensor2D) => Tensor2D;

/** Sizes of a projector's vectors. */
export interface ProjectorSizes {
  readonly inputs: number;
  readonly outputs: number;
}

/**
 * PEFD's projector ensemble: f = mean_i relu(W_i f_s + b_i). All projectors are one matrix product, since their
 * weights stacked are one matrix. With none, features are compared directly (the paper's ablation).
 * @throws inputError without projectors when the two sizes differ
 */
export function projectorEnsemble(
  make: ModelBuilder,
  { inputs, outputs }: ProjectorSizes,
  projectors: number,
): Project {
  if (projectors === 0) return identity(inputs, outputs);
  const weights: Variable[] = [];
  const biases: Variable[] = [];
  for (let i = 0; i < projectors; i++) {
    const add = (suffix: "weight" | "bias", shape: number[]) =>
      addVariable(make, {
        name: `projectors.${i}.${suffix}`,
        role: `linear.${suffix}`,
        shape,
        fanIn: inputs,
      });
    weights.push(add("weight", [outputs, inputs]));
    biases.push(add("bias", [outputs]));
  }
  return (features) => {
    const weight = tf.concat(weights as Tensor[] as Tensor2D[], 0); // [P * outputs, inputs]
    const z = biasAdd(tf.matMul(features, weight, false, true), tf.concat(biases as Tensor[], 0));
    return tf.mean(tf.reshape(relu(z), [-1, projectors, outputs]), 1);
  };
}

function identity(inputs: number, outputs: number): Project {
  if (inputs !== outputs) {
    throw inputError(
      `--num_proj 0 compares features directly, but the student's have ${inputs} elements and the teacher's ${outputs}.`,
      "Give --num_proj 1 or more, or choose a pair whose features agree in size.",
    );
  }
  return (features) => features;
}
