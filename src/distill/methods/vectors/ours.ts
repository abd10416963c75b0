import { inputError } from "../../../common/errors.js";
import { integer } from "../../../common/optionRow.js";
import { relu } from "../../../nn/activation.js";
import { addVariable, type ModelBuilder } from "../../../nn/builder.js";
import { biasAdd } from "../../../nn/layers.js";
import { type Tensor, type Tensor2D, tf, type Variable } from "../../../runtime/tf.js";
import { defineMethod, PEFD } from "../../method.js";
import { directionAlignment } from "../../parts/losses.js";

type Project = (features: Tensor2D) => Tensor2D;

interface ProjectorSizes {
  readonly inputs: number;
  readonly outputs: number;
}

/**
 * PEFD's projector ensemble: f = mean_i relu(W_i f_s + b_i), as one product of stacked weights. Without projectors
 * features are compared directly (the paper's ablation).
 * @throws inputError without projectors for unequal sizes
 */
function projectorEnsemble(make: ModelBuilder, { inputs, outputs }: ProjectorSizes, projectors: number): Project {
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

/** PEFD: direction alignment of the ensemble's mean with the teacher's features. */
export const ours = defineMethod({
  name: "ours",
  summary: "direction alignment of projected features (PEFD)",
  paper: PEFD,
  code: "chenyd7/PEFD 7f1e2de",
  formula: "mean over N of 1 - cos(mean over i of relu(W_i p_s + b_i), p_t)",
  golden: ["losses", "trajectory_ours"],
  weights: { gamma: 1, alpha: 0, beta: 25 },
  options: {
    num_proj: integer(3, "Projectors in the ensemble; 0 compares the features directly.", {
      min: 0,
      max: 64,
      touches: "numbers",
    }),
  },
  terms: ["alignment"],
  sees: () => ["pooled"],
  build: (pair, { num_proj }, make) => {
    const sizes = { inputs: pair.student.pooled, outputs: pair.teacher.pooled };
    const project = projectorEnsemble(make, sizes, num_proj);
    return {
      terms: ({ student, teacher }) => ({
        alignment: directionAlignment(project(student.pooled), teacher.pooled),
      }),
    };
  },
});
