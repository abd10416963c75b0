import assert from "node:assert/strict";
import { test } from "node:test";
import { createPace, epochParts, mostTrainingSteps, singleSteps, stepsPerCallOf } from "#pefd/train/calls.js";
import { isDue, trainEpoch } from "#pefd/train/epoch.js";
import type { TrainingSession } from "#pefd/train/session.js";

const CIFAR = { images: 50_000, augmentation: { kind: "shift", padding: 4 } } as const;
const METRICS = { images: 1, loss: 1, top1: 1, top5: 1 };

/** Steps of an epoch by how its calls took them. @param milliseconds of a step */
async function epochOf(
  options: { readonly tb_freq: number; readonly print_freq?: number },
  milliseconds: number,
  { batchSize = 64, firstStep = 0, group = 1 } = {},
) {
  const due = (step: number) => isDue(options as never, step);
  const steps = Math.floor(CIFAR.images / batchSize);
  const stepsPerCall = stepsPerCallOf(epochParts(steps, due), mostTrainingSteps(batchSize), group);
  const calls: number[] = [];
  let now = 0;
  const session = {
    pace: () => createPace({ wholeCalls: true }, stepsPerCall, group),
    train(rows: Int32Array) {
      calls.push(rows.length / 4 / batchSize);
      now += (milliseconds * rows.length) / 4 / batchSize;
      return 0;
    },
    metrics: () => METRICS,
  } as unknown as TrainingSession;
  const { now: real } = performance;
  performance.now = () => now;
  const ends: number[] = [];
  try {
    await trainEpoch({
      ...CIFAR,
      session,
      batchSize,
      seed: 1,
      epoch: 1,
      epochs: 1,
      wholeBatches: true,
      learningRate: 0.1,
      firstStep,
      isDue: due,
      signal: new AbortController().signal,
      onProgress: ({ step }) => ends.push(step),
    });
  } finally {
    performance.now = real;
  }
  const whole = calls.filter((call) => call === stepsPerCall).length * stepsPerCall;
  return { stepsPerCall, steps, calls, ends, share: whole / (steps - firstStep) };
}

const epochPartsOf = (tb_freq: number) => epochParts(781, (step) => isDue({ tb_freq } as never, step));

test("calls fill an epoch of CIFAR-100", () => {
  assert.equal(stepsPerCallOf([781], mostTrainingSteps(64)), 71);
  assert.equal(singleSteps([781], 71), 0);
  assert.deepEqual(epochPartsOf(500), [500, 281]);
  assert.equal(stepsPerCallOf([500, 281], mostTrainingSteps(64)), 70);
  assert.equal(singleSteps([500, 281], 70), 11);
});

for (const milliseconds of [0.3, 1.6, 2.5, 20]) {
  test(`at least 90 % of an epoch's steps run in the whole program, ${milliseconds} ms a step`, async () => {
    for (const options of [{ tb_freq: 500 }, { tb_freq: 1e9 }, { tb_freq: 500, print_freq: 200 }]) {
      for (const batchSize of [16, 64, 100, 256]) {
        for (const group of [1, 4]) {
          const { share, ends } = await epochOf(options, milliseconds, { batchSize, group });
          assert.ok(share >= 0.9, `${JSON.stringify(options)}, batch ${batchSize}, group ${group}: ${share}`);
          if (options.tb_freq === 500 && batchSize <= 64) assert.ok(ends.includes(500), "a log is due there");
        }
      }
    }
  });
}

test("a run that was resumed anywhere ends its calls where logs are due", async () => {
  for (const firstStep of [1, 69, 499, 500, 780]) {
    const { ends, calls } = await epochOf({ tb_freq: 500 }, 1.6, { firstStep });
    assert.equal(
      calls.reduce((sum, call) => sum + call, firstStep),
      781,
    );
    assert.equal(ends.includes(500), firstStep < 500);
  }
});

test("without a program of whole calls, calls follow the time of a step, in whole groups", () => {
  const pace = createPace({ wholeCalls: false }, 70, 2);
  assert.equal(pace.steps(), 2);
  pace.took(2, 1000); // may have compiled
  assert.equal(pace.steps(), 2);
  pace.took(2, 20);
  assert.equal(pace.steps(), 14);
  pace.took(14, 1);
  assert.equal(pace.steps(), 70);
  pace.took(70, 1e6);
  assert.equal(pace.steps(), 2);
});
