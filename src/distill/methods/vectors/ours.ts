import { integer } from "../../../common/optionRow.js";
import { defineMethod } from "../../method.js";
import { PEFD } from "../../papers.js";
import { directionAlignment } from "../../parts/losses.js";
import { projectorEnsemble } from "../../parts/vectors/projectorEnsemble.js";

/** PEFD: the ensemble's mean is turned into the direction of the teacher's features. */
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
      ...{ min: 0, max: 64 },
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
