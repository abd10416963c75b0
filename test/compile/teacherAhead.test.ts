import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { METHODS } from "#pefd/distill/registry.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { residentSource, streamedSource } from "#pefd/train/source.js";
import { ratioOf } from "../golden/compare/comparison.js";
import { trajectorySchema } from "../golden/compare/schema.js";
import { checkTrajectory } from "../golden/compare/trajectory/check.js";
import { casesOf, tellRest, withMany } from "../helpers/matrices.js";
import { GOLDEN } from "../helpers/paths.js";
import { noiseImages, studentPupil, study, type Trace, type TrainingSetup } from "./scenes.js";

before(() => {
  loadTensorFlow();
});

/**
 * Five whole batches and a short one of four, twice, and no evaluation, in which no teacher looks ahead. A learning rate at
 * which rounding does not grow step by step.
 */
const SETUP: TrainingSetup = {
  engine: "xla",
  train: noiseImages(44, 1),
  batchSize: 8,
  epochs: 2,
  learningRate: 0.001,
  source: residentSource,
  calls: 12,
};

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

/** |a - b| / |b| of tensors as wholes, at least 0.01 in the place of |b|. */
function distance(a: Buffer, b: Buffer): number {
  const [values, others] = [a, b].map(
    ({ buffer, byteOffset, byteLength }) => new Float32Array(buffer, byteOffset, byteLength / 4),
  ) as [Float32Array, Float32Array];
  return norm(values.map((x, i) => x - (others[i] as number))) / Math.max(norm(others), 0.01);
}

function assertSame(trace: Trace, reference: Trace): void {
  trace.losses.forEach((loss, i) => {
    const error = Math.abs(loss / (reference.losses[i] as number) - 1);
    assert.ok(error < 1e-4, `loss ${i + 1} is off by ${error}`);
  });
  // Momentum shows single units of a ReLU that rounding turned on or off; weights are the sum of all of them.
  const isWeight = (i: number) => !trace.names[i]?.endsWith("/momentum");
  const errors = trace.weights.map((bytes, i) => (isWeight(i) ? distance(bytes, reference.weights[i] as Buffer) : 0));
  const worst = Math.max(...errors);
  assert.ok(worst < 1e-3, `${trace.names[errors.indexOf(worst)]} is off by ${worst}`);
}

const references = new Map<string, Trace>();

/** What comes of a teacher that looks at each step's images alone, computed once. */
function alone(method: string): Trace {
  const reference = references.get(method) ?? study(studentPupil(method), SETUP);
  references.set(method, reference);
  return reference;
}

/** Losses of calls of five steps, in the place of those of single ones; the short batch is a call of its own. */
const ofCalls = ({ losses, ...rest }: Trace): Trace => {
  const epochs = [losses.slice(0, 6), losses.slice(6)];
  const mean = (some: readonly number[]) => some.reduce((sum, loss) => sum + loss, 0) / some.length;
  return {
    ...rest,
    losses: epochs.flatMap((epoch) => [mean(epoch.slice(0, 5)), ...epoch.slice(5)]),
  };
};

const { cases, rest } = casesOf(METHODS.names(), 1, 3);
for (const method of cases) {
  test(`${method}: a teacher that looks at several steps' images at once teaches the same`, () => {
    const ahead = study(studentPupil(method), { ...SETUP, stepsPerCall: 5, ahead: 5 });
    assertSame(ahead, ofCalls(alone(method)));
  });
}
tellRest(rest);

test("so it is for calls of fewer steps than it looks at", { skip: withMany }, () => {
  const fewer = study(studentPupil("ours"), { ...SETUP, ahead: 2 });
  assertSame(fewer, alone("ours"));
});

test("so it is for such calls and images that are streamed", { skip: withMany }, () => {
  const streamed = { ...SETUP, ahead: 4, source: streamedSource };
  assertSame(study(studentPupil("ours"), streamed), alone("ours"));
});

test("ours, teacher ahead: the trajectory agrees with PyTorch", () => {
  const text = readFileSync(join(GOLDEN, "trajectory_ours.json"), "utf8");
  const checks = checkTrajectory(trajectorySchema.parse(JSON.parse(text)), "xla", 2);
  assert.ok(checks.length > 10);
  for (const check of checks) assert.ok(ratioOf(check) <= 1, `${check.what}: ${check.error}`);
});
