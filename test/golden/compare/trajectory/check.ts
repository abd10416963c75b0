import type { EngineName } from "#pefd/compile/types.js";
import { methodRow } from "#pefd/distill/registry.js";
import {
  type Check,
  checkNumber,
  checkNumbers,
  mismatch,
  RELATIVE,
  withinRelative,
  withinScale,
  withinSpread,
} from "../comparison.js";
import { formulaFill, PROJECTOR_KEY } from "../formula.js";
import type { TensorSummary, TrajectoryGolden } from "../schema.js";
import { checkMoved, checkSummary } from "../summary.js";
import { compared } from "./compared.js";
import type { Course } from "./course.js";
import type { StepTerms, TrajectoryRun } from "./run.js";

/**
 * Compares some steps of distillation with the reference.
 * @param ahead for how many steps at once the teacher looks at images: 1 or 2
 * @throws inputError for a model or method that the registries do not have
 */
export function checkTrajectory(golden: TrajectoryGolden, engine: EngineName, ahead = 1): readonly Check[] {
  const { afterEvalLogits, spread, teacherOut } = golden;
  const logits = withinSpread(spread.afterEvalLogitsMaxAbs);
  return compared({ ...courseOf(golden), ahead }, engine, (run) => [
    ...checkTeacher("logits", run.outputs.teacher, teacherOut.logits),
    ...checkTeacher("penultimate", run.outputs.pooled, teacherOut.penultimate),
    ...run.steps.flatMap((terms, step) => checkTerms(golden, step, terms)),
    ...Object.keys(golden.after).flatMap((name) => checkAfter(golden, name, run)),
    checkNumbers("afterEvalLogits", run.outputs.student, afterEvalLogits.flat(), logits),
  ]);
}

const courseOf = (golden: TrajectoryGolden): Course => ({
  ...golden,
  method: methodRow(golden.method),
  told: { kd_T: golden.kdT, num_proj: golden.projectors },
  fill: formulaFill(PROJECTOR_KEY),
  weights: golden,
  temperature: golden.kdT,
  epoch: 1,
  phaseSteps: [],
});

/** The teacher does not move, so only the project's own bound applies. */
export function checkTeacher(what: string, values: Float32Array, expected: TensorSummary): Check[] {
  const scale = expected.l2 / Math.sqrt(values.length);
  const bounds = { element: withinScale(0, RELATIVE, scale), norm: withinRelative(0) };
  return checkSummary(`teacherOut.${what}`, { shape: expected.shape, values }, expected, bounds);
}

const SUMS = new Set(["ce", "kl", "loss"]);

function checkTerms(golden: TrajectoryGolden, step: number, terms: StepTerms): Check[] {
  const expected = golden.perStep[step];
  if (expected === undefined) return [mismatch(`perStep[${step}]`, "is missing in the file")];
  const bound = withinRelative(golden.spread.lossMaxRelPerStep[step] ?? 0);
  const own = Object.entries(terms).filter(([name]) => !SUMS.has(name));
  const kd = own.reduce((sum, [, value]) => sum + value, 0);
  const actual = { ce: terms.ce, div: terms.kl, kd, total: terms.loss };
  return Object.entries(actual).map(([name, value = Number.NaN]) =>
    checkNumber(`perStep[${step}].${name}`, value, expected[name as keyof typeof actual], bound),
  );
}

/** Our name of a tensor: the reference's projector0.weight is projectors.0.weight here. */
const ourName = (name: string): string => name.replace(/^projector(\d+)\./, "projectors.$1.");

function checkAfter({ after, spread }: TrajectoryGolden, name: string, { start, end }: TrajectoryRun): Check[] {
  const expected = after[name] as TrajectoryGolden["after"][string];
  const [from, to] = [start.get(ourName(name)), end.get(ourName(name))];
  return checkMoved(`after ${name}`, from, to, expected, () => ({
    element: withinSpread(spread.afterFirst8MaxAbs),
    norm: withinRelative(spread.afterL2MaxRel),
    delta: withinRelative(spread.afterDeltaL2MaxRel),
  }));
}
