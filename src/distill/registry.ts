import { createRegistry } from "../common/registry.js";
import type { Tensor2D } from "../runtime/tf.js";
import { directionAlignment, distillKL } from "./losses.js";
import { projectedLogits } from "./projectedLogits.js";
import { projectorEnsemble } from "./projectorEnsemble.js";
import type { Distillation, DistillSetting, MethodRow } from "./types.js";

const PEFD = "Chen et al., Improved Feature Distillation via Projector Ensemble, NeurIPS 2022";
const HINTON = "Hinton et al., Distilling the Knowledge in a Neural Network, 2015";

/** PEFD: the ensemble's mean is turned into the direction of the teacher's features. */
function projectorEnsembleDistillation(setting: DistillSetting): Distillation {
  const ensemble = projectorEnsemble(setting);
  return {
    state: ensemble.state,
    loss: (student, teacher) => {
      const projected = ensemble.project(student.features.at(-1) as Tensor2D);
      return directionAlignment(projected, teacher.features.at(-1) as Tensor2D);
    },
  };
}

const ROWS: readonly MethodRow[] = [
  {
    name: "ours",
    summary: "direction alignment of projected features (PEFD)",
    paper: PEFD,
    defaults: { gamma: 1, alpha: 0, beta: 25 },
    teacherOutputs: ["features"],
    build: projectorEnsembleDistillation,
  },
  {
    name: "kd",
    summary: "KL of softened logits",
    paper: HINTON,
    defaults: { gamma: 0.1, alpha: 0, beta: 0.9 },
    teacherOutputs: ["logits"],
    build: ({ temperature }) => ({
      state: [],
      loss: (student, teacher) => distillKL(student.logits, teacher.logits, temperature),
    }),
  },
  {
    name: "kd1proj",
    summary: "KL of softened logits through one projector",
    paper: PEFD,
    defaults: { gamma: 0.1, alpha: 0, beta: 0.9 },
    teacherOutputs: ["logits"],
    build: projectedLogits,
  },
];

/** Every distillation method, by name. A new method is one file and one row. */
export const METHODS = createRegistry({ one: "distillation method", many: "Methods" }, ROWS);

/** Names of all methods, in the order of the registry. */
export const methodNames = METHODS.names;

/**
 * The row of a method.
 * @throws inputError with the nearest name
 */
export const methodRow = METHODS.row;
