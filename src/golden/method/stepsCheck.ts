import type { EngineName } from "../../compile/types.js";
import { KL_OPTIONS } from "../../distill/options.js";
import { type Check, checkNumber, checkNumbers, mismatch } from "../comparison.js";
import { checkMoved } from "../summary.js";
import { checkTeacher } from "../trajectory/check.js";
import type { Course } from "../trajectory/course.js";
import { runTrajectory, type Snapshot, type StepTerms } from "../trajectory/run.js";
import { logitsBound, movedBounds, phaseBound, stepBound } from "./bounds.js";
import { type Fixture, fixtureOf } from "./fixture.js";
import { imagesOf, SET_SIZE } from "./keys.js";
import { checkOwnState, ownFill, ownRows } from "./ownState.js";
import type { OwnRow, StepsGolden } from "./schema.js";
import { expectedTerms } from "./stepTerms.js";

/**
 * Compares four steps of distillation, those of a first phase before them included, with what the authors' program does.
 * @throws inputError where the registries do not have the method or a model
 */
export function checkSteps(name: string, golden: StepsGolden, engine: EngineName): Check[] {
  const fixture = fixtureOf(name, [...golden.flags, ...golden.fixtureFlags]);
  const course = courseOf(fixture, golden);
  const run = runTrajectory(course, engine);
  const { teacherOut, ownState, initPerStep, perStep } = golden;
  const named = new Map(
    ownRows(ownState, run.own).map(({ entry, row }) => [row?.[0] ?? entry.name, entry.name]),
  );
  const moved = (what: string, expected: StepsGolden["after"], end: Snapshot) =>
    Object.entries(expected).flatMap(([theirs, summary]) => {
      const ours = named.get(theirs) ?? theirs;
      const from = run.start.get(ours);
      const bounds = movedBounds(golden, summary.deltaL2, from?.values.length ?? 1);
      return checkMoved(`${what} ${theirs}`, from, end.get(ours), summary, bounds);
    });
  const phase = run.phases[0] ?? [];
  const logits = golden.afterEvalLogits.flat();
  return [
    ...checkOwnState("own state", ownState, run.own),
    ...checkTeacher("logits", run.outputs.teacher, teacherOut.logits),
    ...checkTeacher("penultimate", run.outputs.pooled, teacherOut.penultimate),
    ...initPerStep.flatMap(({ loss = Number.NaN }, i) => {
      const what = `initPerStep[${i}].loss`;
      const terms = phase[i];
      if (terms === undefined) return [mismatch(what, "has no phase of the method's")];
      return [checkNumber(what, terms.loss ?? Number.NaN, loss, phaseBound(golden))];
    }),
    ...moved("initAfter", golden.initAfter, run.between),
    ...run.steps.flatMap((terms, i) =>
      checkStep(`perStep[${i}]`, terms, perStep[i] ?? {}, fixture, stepBound(golden, i)),
    ),
    ...moved("after", golden.after, run.end),
    checkNumbers("afterEvalLogits", run.outputs.evaluated, logits, logitsBound(golden, logits)),
  ];
}

function courseOf({ row, told, weights }: Fixture, golden: StepsGolden): Course {
  const [first] = golden.optimizer as [StepsGolden["optimizer"][number]];
  const { momentumKd = first.momentum } = first;
  // Two momenta lie around the run's own.
  const sgd = { ...first, momentum: (first.momentum + momentumKd) / 2 };
  return {
    ...golden,
    ...{ method: row, told, weights, sgd },
    fill: ownFill(golden.ownState as OwnRow[]),
    temperature: KL_OPTIONS.kd_T.fallback as number,
    images: imagesOf(golden.input.labels.length),
    setSize: SET_SIZE,
    phaseSteps: golden.initPerStep.length > 0 ? [golden.initPerStep.length] : [],
    steps: golden.perStep.length,
  };
}

function checkStep(
  what: string,
  terms: StepTerms,
  expected: Readonly<Record<string, number>>,
  fixture: Fixture,
  bound: ReturnType<typeof stepBound>,
): Check[] {
  const actual = expectedTerms(Object.keys(expected), terms, fixture);
  return Object.entries(expected).map(([key, value]) => {
    const found = actual[key];
    if (found === undefined) return mismatch(`${what}.${key}`, "is no term known here");
    return checkNumber(`${what}.${key}`, found, value, bound);
  });
}
