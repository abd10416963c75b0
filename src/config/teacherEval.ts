import { choice } from "../common/optionRow.js";

/** When a distillation tells its teacher's own accuracy. */
const TEACHER_EVALS = ["auto", "always", "never"] as const;
type TeacherEval = (typeof TEACHER_EVALS)[number];

export const TEACHER_EVAL = choice<TeacherEval, TeacherEval>(
  TEACHER_EVALS,
  "auto",
  "Tell the teacher's accuracy before the first epoch; auto: where the run trains on at least 20 times as many images as it is tested on.",
  { touches: "output" },
);
