import { isStatistic } from "../../nn/builder.js";
import type { StateEntry } from "../../nn/model.js";
import type { Variable } from "../../runtime/tf.js";
import type { Pair, Phase } from "../method.js";

const variables = (state: readonly StateEntry[]): Variable[] =>
  state.flatMap(({ variable }) => variable ?? []);

/**
 * What a phase does that trains a student's stem and stages before its classifier, as RepDistiller's do: they learn, with
 * what the method adds, and what lies behind them is in evaluation mode.
 * @param own tensors that the method adds
 */
export function featurePhase(
  { student }: Pair,
  own: readonly StateEntry[],
): Required<Pick<Phase, "learns" | "inEvaluation">> {
  const learning = new Set(student.features);
  const behind = student.state.filter((entry) => !learning.has(entry));
  return {
    learns: variables([...own, ...student.features]),
    inEvaluation: variables(behind.filter(({ role }) => isStatistic(role))),
  };
}

/** What a phase does that leaves all of the student as it is. @param learns tensors that the method adds */
export const apartFromStudent = (
  { student }: Pair,
  learns: readonly Variable[],
): Required<Pick<Phase, "learns" | "inEvaluation">> => ({
  learns,
  inEvaluation: variables(student.state.filter(({ role }) => isStatistic(role))),
});
