import assert from "node:assert/strict";
import { before, test } from "node:test";
import { METHODS } from "#pefd/distill/registry.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { variablesOf } from "#pefd/train/learner.js";
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

const LOSS_TOLERANCE = 1e-4;
const WEIGHT_TOLERANCE = 1e-3;
/** Tensors that are next to nothing (a bias in front of a batch normalisation) are compared with this norm instead. */
const LEAST_NORM = 0.01;
/** 20 steps: 3 whole batches and one of 4, five times. A learning rate at which rounding does not grow step by step. */
const LESSON = { train: noiseImages(28, 1), batchSize: 8, epochs: 5, learningRate: 0.001 };

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

/** The largest relative error of a parameter or a running statistic, the optimizer's velocities left out. */
function weightError(trace: Trace, reference: Trace): number {
  const errors = reference.weights.map((bytes, i) =>
    reference.names[i]?.endsWith("/momentum") ? 0 : distance(trace.weights[i] as Buffer, bytes),
  );
  return Math.max(...errors);
}

/**
 * A pupil whose batch normalisations have offsets of a usual size. From zero they would only be what 20 steps made of
 * them, and one unit of a ReLU that rounding turned on or off would show as a large part of that.
 */
function settled(pupil: Pupil): Pupil {
  for (const { role, variable } of pupil.learner.model.state) {
    if (role !== "bn.bias" || variable === undefined) continue;
    const values = variable.dataSync().map((_, i) => 0.3 * Math.sin(1 + i));
    const tensor = tf.tensor(values, variable.shape);
    variable.assign(tensor);
    tensor.dispose();
  }
  return pupil;
}

/** The same pupil with every weight moved by half a unit in the last place, up or down. */
function nudged(pupil: Pupil): Pupil {
  for (const variable of variablesOf(pupil.learner.model.state)) {
    const values = variable.dataSync().map((x, i) => x * (1 + (i % 2 === 0 ? 1 : -1) * 2 ** -23));
    const tensor = tf.tensor(values, variable.shape);
    variable.assign(tensor);
    tensor.dispose();
  }
  return pupil;
}

/**
 * Some models amplify rounding beyond any fixed tolerance, at every learning rate: then what the eager engine itself
 * makes of a start that differs by rounding is the measure, and the first losses still have to agree.
 */
function assertClose(make: () => Pupil) {
  const create = () => settled(make());
  const eager = study(create(), { ...LESSON, engine: "eager" });
  const xla = study(create(), { ...LESSON, engine: "xla" });
  const other = study(nudged(create()), { ...LESSON, engine: "eager" });
  const errors = lossErrors(xla, eager);
  const growth = lossErrors(other, eager);
  assert.equal(errors.length, 20);
  errors.forEach((error, step) => {
    const amplified = Math.max(...growth.slice(0, step + 1));
    const bound = Math.max(LOSS_TOLERANCE, amplified < LOSS_TOLERANCE ? 0 : 10 * amplified);
    assert.ok(error <= bound, `loss of step ${step + 1} is off by ${error}, allowed ${bound}`);
  });
  assert.ok((errors[0] as number) < 1e-5, `first loss is off by ${errors[0]}`);
  const amplified = weightError(other, eager);
  const bound = amplified < WEIGHT_TOLERANCE ? WEIGHT_TOLERANCE : 10 * amplified;
  const error = weightError(xla, eager);
  assert.ok(error <= bound, `a tensor is off by ${error}, allowed ${bound}`);
}

for (const method of METHODS.keys()) {
  test(`${method}: 20 steps of xla agree with eager`, () => {
    assertClose(() => studentPupil(method));
  });
}

for (const name of smallestOfFamilies()) {
  test(`${name}: 20 steps of xla agree with eager`, () => {
    assertClose(() => teacherPupil(name));
  });
}
