import { sizeOf } from "#pefd/common/shapes.js";
import type { EngineName } from "#pefd/compile/types.js";
import { KL_OPTIONS } from "#pefd/distill/options.js";
import type { Learner } from "#pefd/learn/learner.js";
import { type Bound, type Check, checkNumber, checkNumbers, checkSame, mismatch } from "../comparison.js";
import type { TensorSummary } from "../schema.js";
import { checkMoved, type HostTensor, norm } from "../summary.js";
import { checkTeacher } from "../trajectory/check.js";
import { compared } from "../trajectory/compared.js";
import type { Course } from "../trajectory/course.js";
import type { Snapshot, StepTerms, TrajectoryRun } from "../trajectory/run.js";
import { logitsBound, movedBounds, phaseBound, stepBound } from "./bounds.js";
import { type Fixture, fixtureOf } from "./fixture.js";
import { checkKept } from "./keptCheck.js";
import { epochOf, imagesOf, SET_SIZE } from "./keys.js";
import { checkOwnState, ownFill, ownRows } from "./ownState.js";
import type { OwnRow, StepsGolden } from "./schema.js";
import { expectedTerms } from "./stepTerms.js";

/**
 * Compares four steps of distillation, those of a first phase before them included, with what the authors' program does.
 * @throws inputError where the registries do not have the method or a model
 */
export function checkSteps(name: string, golden: StepsGolden, engine: EngineName): readonly Check[] {
  const fixture = fixtureOf(name, [...golden.flags, ...golden.fixtureFlags]);
  const { ownState } = golden;
  return compared(courseOf(fixture, golden), engine, (run, { learner }) => [
    ...checkOwnState("own state", ownState, run.own),
    checkGroups(golden, learner),
    ...checkTeacherOut(golden, run),
    ...golden.initPerStep.map(({ loss = Number.NaN }, i) =>
      checkPhaseStep(`initPerStep[${i}].loss`, run.phases[0]?.[i], loss, phaseBound(golden)),
    ),
    ...checkAllMoved("initAfter", golden, golden.initAfter, run, run.between),
    ...golden.perStep.flatMap((terms, i) =>
      checkStep(`perStep[${i}]`, stepsOf(golden, run)[i] ?? {}, terms, fixture, stepBound(golden, i)),
    ),
    ...checkAllMoved("after", golden, golden.after, run, run.end),
    ...checkLogits(golden, run),
    ...checkKept("", golden, run.end, golden.input.labels.length, golden.spread.afterFirst8MaxAbs),
  ]);
}

/**
 * The teacher's logits, and its pooled vector where the file has it. One whose pooled vector is of another size is another
 * network, such as CAT-KD's, which averages class maps.
 */
function checkTeacherOut({ teacherOut, labels }: StepsGolden, { outputs }: TrajectoryRun): Check[] {
  if (labels !== undefined) return []; // self-distillation: the teacher takes no part
  const { logits, penultimate } = teacherOut;
  if (penultimate === undefined) return checkTeacher("logits", outputs.teacher, logits);
  if (sizeOf(penultimate.shape) !== outputs.pooled.length) return [];
  return [
    ...checkTeacher("logits", outputs.teacher, logits),
    ...checkTeacher("penultimate", outputs.pooled, penultimate),
  ];
}

/** The steps that a file tells of, those before the main part among them where each tells its phase. */
const stepsOf = (golden: StepsGolden, { phases, steps }: TrajectoryRun): readonly StepTerms[] =>
  earlySteps(golden) > 0 ? [...(phases[0] ?? []), ...steps] : steps;

/** Groups of parameters that learn otherwise than the rest: how many tensors, with which weight decay. */
function checkGroups({ optimizer }: StepsGolden, { groups = [] }: Learner): Check {
  const [all, ...expected] = optimizer;
  const ours = groups
    .filter(({ learningRateFactor }) => learningRateFactor !== 0)
    .map(({ parameters, weightDecay = all?.weightDecay }) => [parameters.length, weightDecay]);
  const theirs = expected.map(({ tensors, weightDecay }) => [tensors, weightDecay]);
  return checkSame("optimizer groups", ours, theirs);
}

function checkPhaseStep(what: string, terms: StepTerms | undefined, expected: number, bound: Bound): Check {
  if (terms === undefined) return mismatch(what, "has no phase of the method's");
  return checkNumber(what, terms.loss ?? Number.NaN, expected, bound);
}

type MovedSummary = TensorSummary & { readonly deltaL2?: number | undefined };

/** Tensors by the authors' names, as they are at some point, and how far they are from their start. */
function checkAllMoved(
  what: string,
  golden: StepsGolden,
  expected: Readonly<Record<string, MovedSummary>>,
  { own, start }: TrajectoryRun,
  at: Snapshot,
): Check[] {
  const named = new Map(ownRows(golden.ownState, own).map(({ entry, row }) => [row?.[0] ?? entry.name, entry.name]));
  return Object.entries(expected).flatMap(([theirs, summary]) => {
    const ours = named.get(theirs) ?? ELSEWHERE[theirs] ?? theirs;
    const from = start.get(ours);
    // A tensor that the authors' code has and does not use is not needed here.
    if (from === undefined && summary.deltaL2 === 0) return [];
    const shape = ELSEWHERE[theirs] === undefined ? summary.shape : [...(from?.shape ?? [])];
    const told = isFromZero(summary, from) ? { ...summary, deltaL2: undefined } : summary;
    return checkMoved(`${what} ${theirs}`, from, at.get(ours), { ...told, shape }, (deltaL2) =>
      movedBounds(golden, deltaL2, from?.values.length ?? 1),
    );
  });
}

/**
 * Whether a file's distance is that from zero, of a tensor that does not start there: its maker had no start of it (the
 * teacher's statistics in ofd.json). Then the values alone are compared, all of them within the bounds of what we moved.
 */
const isFromZero = ({ l2, deltaL2 }: MovedSummary, from: HostTensor | undefined): boolean =>
  from !== undefined && deltaL2 !== undefined && Math.abs(deltaL2 - l2) <= 1e-6 * l2 && norm(from.values) > 1e-3 * l2;

/** Tensors of students whose layers the authors have as others: a classifier as a 1x1 convolution. */
const ELSEWHERE: Readonly<Record<string, string>> = { "conv_test.weight": "fc.weight" };

/** The student's logits at the end, and what the method predicts, where the file has both. */
function checkLogits(golden: StepsGolden, { outputs }: TrajectoryRun): Check[] {
  const predicted = golden.afterEvalLogitsProjected ?? golden.afterEvalLogitsContext;
  const check = (what: string, values: Float32Array, rows: readonly (readonly number[])[]) =>
    checkNumbers(what, values, rows.flat(), logitsBound(golden, rows.flat()));
  if (predicted === undefined) {
    return [check("afterEvalLogits", outputs.evaluated, golden.afterEvalLogits)];
  }
  return [
    check("afterEvalLogits", outputs.student, golden.afterEvalLogits),
    check("afterEvalLogits predicted", outputs.evaluated, predicted),
  ];
}

/** How many of the steps come before the main part, where they tell their phase. */
function earlySteps({ perStep }: StepsGolden): number {
  const last = perStep.at(-1)?.phase;
  return perStep.findIndex(({ phase }) => phase === last);
}

/** The batch and its second view, if it has one: a strong one, or the second half of the file's images. */
function viewsOf({ input, inputStrong, labels }: StepsGolden): Pick<Course, "input" | "strong" | "images"> {
  if (labels === undefined) {
    return { input, strong: inputStrong && { ...input, ...inputStrong }, images: imagesOf(input.labels.length) };
  }
  const half = labels.length / 2;
  const one = { ...input, labels: labels.slice(0, half), shape: [half, ...input.shape.slice(1)] };
  return { input: one, strong: { ...one, from: sizeOf(one.shape) }, images: imagesOf(half) };
}

function courseOf({ row, told, weights }: Fixture, golden: StepsGolden): Course {
  const [first] = golden.optimizer as [StepsGolden["optimizer"][number]];
  const { momentumKd = first.momentum } = first;
  // Two momenta lie around the run's own.
  const sgd = { ...first, momentum: (first.momentum + momentumKd) / 2 };
  return {
    ...golden,
    method: row,
    epoch: epochOf(row.name, golden.epoch),
    weights,
    sgd,
    told: { ...row.ofStudent?.({ student: golden.student, learningRate: sgd.lr }), ...told },
    fill: ownFill(golden.ownState as OwnRow[]),
    temperature: KL_OPTIONS.kd_T.fallback as number,
    ...viewsOf(golden),
    setSize: SET_SIZE,
    phaseSteps: [golden.initPerStep.length, earlySteps(golden)].filter((steps) => steps > 0),
    steps: golden.perStep.length - earlySteps(golden),
  };
}

/** What programs tell of a step that is no part of its loss; the tensors that it follows from are compared. */
const BESIDES: ReadonlySet<string> = new Set(["temperature"]);

function checkStep(
  what: string,
  terms: StepTerms,
  { phase: _, ...expected }: Readonly<Record<string, number>>,
  fixture: Fixture,
  bound: Bound,
): Check[] {
  const actual = expectedTerms(Object.keys(expected), terms, fixture);
  const told = Object.entries(expected).filter(([key]) => !BESIDES.has(key));
  return told.map(([key, value]) => {
    const found = actual[key];
    if (found === undefined) return mismatch(`${what}.${key}`, "is no term known here");
    return checkNumber(`${what}.${key}`, found, value, bound);
  });
}
