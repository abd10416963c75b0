import assert from "node:assert/strict";
import { before, test } from "node:test";
import { procedures } from "#pefd/distill/registry.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { loadTensorFlow, tf, type Variable } from "#pefd/runtime/tf.js";
import { casesOf, tellRest } from "../helpers/matrices.js";
import {
  noiseImages,
  type Pupil,
  smallestOfFamilies,
  studentPupil,
  study,
  type Trace,
  teacherPupil,
} from "./scenes.js";

before(() => {
  loadTensorFlow();
});

/** XLA adds one number after the other on a processor: of ShuffleV1 the first loss is 1.2e-5 off by that. */
const FIRST_LOSS_TOLERANCE = 3e-5;
const LOSS_TOLERANCE = 1e-4;
const WEIGHT_TOLERANCE = 1e-3;
const GRADIENT_TOLERANCE = 2e-2;
/** Tensors that are next to nothing (a bias in front of a batch normalisation) are compared with this norm instead. */
const LEAST_NORM = 0.01;
/** 20 steps of whole batches. A learning rate at which rounding does not grow step by step. */
const SETUP = { train: noiseImages(16, 1), batchSize: 8, epochs: 10, learningRate: 0.001 };
/** 20 steps, too: 3 whole batches and one of 4, which has a program of its own, five times. */
const SETUP_WITH_SHORT = { ...SETUP, train: noiseImages(28, 1), epochs: 5 };

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

const floats = ({ buffer, byteOffset, byteLength }: Buffer): Float32Array =>
  new Float32Array(buffer, byteOffset, byteLength / 4);

/** |a - b| / |b|, of tensors as wholes: single weights may be near zero. */
function distance(a: Buffer, b: Buffer): number {
  const [values, others] = [floats(a), floats(b)];
  const difference = values.map((value, i) => value - (others[i] as number));
  return norm(difference) / Math.max(norm(others), LEAST_NORM);
}

const lossErrors = (trace: Trace, reference: Trace): number[] =>
  reference.losses.map((loss, i) => Math.abs((trace.losses[i] as number) / loss - 1));

/** The largest relative error, in the end or after the first step, of the tensors whose names pass. */
function largestError(
  when: "weights" | "first",
  [trace, reference]: readonly [Trace, Trace],
  isMeant: (name: string) => boolean,
): number {
  const errors = reference[when].map((bytes, i) =>
    isMeant(reference.names[i] as string) ? distance(trace[when][i] as Buffer, bytes) : 0,
  );
  return Math.max(...errors);
}

const isMomentum = (name: string): boolean => name.endsWith("/momentum");

/** Of parameters and running statistics. */
const weightError = (trace: Trace, reference: Trace): number =>
  largestError("weights", [trace, reference], (name) => !isMomentum(name));

/** Of momentum buffers after one step: they are the gradients. */
const gradientError = (trace: Trace, reference: Trace): number => largestError("first", [trace, reference], isMomentum);

/** Gives a variable new values, made of those it has. */
function change(variable: Variable, next: (value: number, index: number) => number): void {
  const tensor = tf.tensor(variable.dataSync().map(next), variable.shape);
  variable.assign(tensor);
  tensor.dispose();
}

/**
 * A pupil whose batch normalisations have offsets of a usual size. From zero they would only be what 20 steps made of
 * them, and one unit of a ReLU that rounding turned on or off would show as a large part of that.
 */
function settled(pupil: Pupil): Pupil {
  for (const { role, variable } of pupil.learner.model.state) {
    if (role === "bn.bias" && variable) change(variable, (_, i) => 0.3 * Math.sin(1 + i));
  }
  return pupil;
}

/** The same pupil with every weight moved by half a unit in the last place, up or down: every `period`-th one up. */
function nudged(pupil: Pupil, period = 2): Pupil {
  for (const variable of variablesOf(pupil.learner.model.state)) {
    change(variable, (x, i) => x * (1 + (i % period === 0 ? 1 : -1) * 2 ** -23));
  }
  return pupil;
}

/** Which units of ReLUs rounding turns on or off is chance: starts that differ by rounding are taken more than once. */
const OTHER_PERIODS = [3, 5, 7];

/**
 * How far something may be off. Some models amplify rounding beyond any fixed tolerance: then what the eager engine
 * itself makes of a start that differs by rounding is the measure. XLA sums less exactly than that on a processor.
 */
const bound = (tolerance: number, own: number) => Math.max(tolerance, 10 * own);

/** What is compared: a course of twenty steps by both engines, and the eager one of a start that differs by rounding. */
interface Courses {
  readonly eager: Trace;
  readonly xla: Trace;
  readonly other: Trace;
}

/** The first step: the same loss, and gradients that differ by no more than a few units that rounding turned on or off. */
function assertSameGradients({ eager, xla, other }: Courses, firstSteps: readonly Trace[]) {
  const [lossError] = lossErrors(xla, eager) as [number];
  assert.ok(lossError < FIRST_LOSS_TOLERANCE, `first loss is off by ${lossError}`);
  const own = Math.max(...[other, ...firstSteps].map((trace) => gradientError(trace, eager)));
  const error = gradientError(xla, eager);
  const most = bound(GRADIENT_TOLERANCE, own);
  assert.ok(error < most, `a gradient is off by ${error}, allowed ${most}`);
}

/** Twenty steps. */
function assertSameCourse({ eager, xla, other }: Courses) {
  const amplified = {
    loss: Math.max(...lossErrors(other, eager)),
    weight: weightError(other, eager),
  };
  const errors = lossErrors(xla, eager);
  assert.equal(errors.length, 20);
  const allowed = bound(LOSS_TOLERANCE, amplified.loss);
  errors.forEach((error, step) => {
    assert.ok(error <= allowed, `loss of step ${step + 1} is off by ${error}, allowed ${allowed}`);
  });
  const error = weightError(xla, eager);
  const most = bound(WEIGHT_TOLERANCE, amplified.weight);
  assert.ok(error <= most, `a tensor is off by ${error}, allowed ${most}`);
}

function assertClose(make: () => Pupil, setup = SETUP) {
  const create = () => settled(make());
  const courses: Courses = {
    eager: study(create(), { ...setup, engine: "eager" }),
    xla: study(create(), { ...setup, engine: "xla" }),
    other: study(nudged(create()), { ...setup, engine: "eager" }),
  };
  const firstSteps = OTHER_PERIODS.map((period) =>
    study(nudged(create(), period), { ...setup, engine: "eager", calls: 1 }),
  );
  assertSameGradients(courses, firstSteps);
  assertSameCourse(courses);
}

// What steps of the others are on XLA, `npm run golden -- --engine xla` compares with their authors' code.
const methods = casesOf(
  procedures().map(({ name }) => name),
  1,
  3,
);
for (const method of methods.cases) {
  test(`${method}: 20 steps of xla agree with eager`, () => {
    assertClose(() => studentPupil(method), SETUP_WITH_SHORT);
  });
}

const models = casesOf(smallestOfFamilies(), 1, 3);
for (const name of models.cases) {
  test(`${name}: 20 steps of xla agree with eager`, () => {
    assertClose(() => teacherPupil(name));
  });
}

tellRest([...methods.rest, ...models.rest]);
