import type { EngineName } from "../compile/types.js";
import { toPyTorchLayout } from "../nn/builder.js";
import {
  type Check,
  checkNumber,
  checkNumbers,
  mismatch,
  RELATIVE,
  withinRelative,
  withinScale,
  withinSpread,
} from "./comparison.js";
import type { TensorSummary, TrajectoryGolden } from "./schema.js";
import { checkSummary, norm } from "./summary.js";
import { LOSS_TERMS, runTrajectory, type TrajectoryRun } from "./trajectory.js";

/**
 * Compares some steps of distillation with the reference.
 * @param ahead for how many steps at once the teacher looks at images: 1 or 2
 * @throws inputError for a model or method that the registries do not have
 */
export function checkTrajectory(golden: TrajectoryGolden, engine: EngineName, ahead = 1): Check[] {
  const run = runTrajectory(golden, engine, ahead);
  try {
    const { afterEvalLogits, spread, teacherOut } = golden;
    const logits = withinSpread(spread.afterEvalLogitsMaxAbs);
    return [
      ...checkTeacher("logits", run.teacherLogits, teacherOut.logits),
      ...checkTeacher("penultimate", run.teacherFeatures, teacherOut.penultimate),
      ...run.terms.flatMap((terms, step) => checkTerms(golden, step, terms)),
      ...Object.keys(golden.after).flatMap((name) => checkAfter(golden, name, run)),
      checkNumbers("afterEvalLogits", run.studentLogits, afterEvalLogits.flat(), logits),
    ];
  } finally {
    run.dispose();
  }
}

/** The teacher does not move, so only the project's own bound applies. */
function checkTeacher(what: string, values: Float32Array, expected: TensorSummary): Check[] {
  const scale = expected.l2 / Math.sqrt(values.length);
  const bounds = { element: withinScale(0, RELATIVE, scale), norm: withinRelative(0) };
  return checkSummary(`teacherOut.${what}`, { shape: expected.shape, values }, expected, bounds);
}

function checkTerms(golden: TrajectoryGolden, step: number, terms: readonly number[]): Check[] {
  const expected = golden.perStep[step];
  if (expected === undefined) return [mismatch(`perStep[${step}]`, "is missing in the file")];
  const bound = withinRelative(golden.spread.lossMaxRelPerStep[step] ?? 0);
  return LOSS_TERMS.map((term, i) =>
    checkNumber(`perStep[${step}].${term}`, terms[i] as number, expected[term], bound),
  );
}

/** Our name of a tensor: the reference's projector0.weight is projectors.0.weight here. */
const ourName = (name: string): string => name.replace(/^projector(\d+)\./, "projectors.$1.");

function checkAfter(
  { after, spread }: TrajectoryGolden,
  name: string,
  run: TrajectoryRun,
): Check[] {
  const what = `after ${name}`;
  const expected = after[name] as TrajectoryGolden["after"][string];
  const entry = run.state.find((candidate) => candidate.name === ourName(name));
  const start = run.start.get(ourName(name));
  if (entry?.variable === undefined || start === undefined) return [mismatch(what, "is missing")];
  const { role, shape, variable } = entry;
  const values = variable.dataSync() as Float32Array;
  const actual = { shape, values: toPyTorchLayout(role, values, shape) };
  const change = norm(values.map((value, i) => value - (start[i] as number)));
  const bounds = {
    element: withinSpread(spread.afterFirst8MaxAbs),
    norm: withinRelative(spread.afterL2MaxRel),
  };
  const delta = withinRelative(spread.afterDeltaL2MaxRel);
  return [
    ...checkSummary(what, actual, expected, bounds),
    checkNumber(`${what} deltaL2`, change, expected.deltaL2, delta),
  ];
}
