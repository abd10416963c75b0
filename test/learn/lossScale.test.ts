import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { compile } from "#pefd/compile/program.js";
import type { EngineName } from "#pefd/compile/types.js";
import { createLossScale, unscale, withLossScale } from "#pefd/learn/lossScale.js";
import { sgdUpdates } from "#pefd/learn/optimizers.js";
import { loadTensorFlow, type Tensor, tf, type Variable } from "#pefd/runtime/tf.js";
import { noiseImages, type Pupil, studentPupil, study } from "../compile/scenes.js";
import { ROOT } from "../helpers/paths.js";

before(() => {
  loadTensorFlow();
});

type Values = readonly number[];

/** What GradScaler and SGD did (scripts/golden_loss_scale.py). */
interface Golden {
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly start: readonly Values[];
  readonly runs: readonly {
    readonly interval: number;
    readonly scale: number;
    readonly goodSteps: number;
    /** "inf" and "nan" are words. */
    readonly gradients: readonly (readonly (readonly (number | string)[])[])[];
    readonly steps: readonly GoldenStep[];
  }[];
}

interface GoldenStep {
  readonly scale: number;
  readonly goodSteps: number;
  readonly parameters: readonly Values[];
  readonly momentum: readonly Values[];
}

const GOLDEN = JSON.parse(readFileSync(join(ROOT, "test/golden/lossScale.json"), "utf8")) as Golden;

const WORDS: Readonly<Record<string, number>> = { inf: Infinity, "-inf": -Infinity, nan: Number.NaN };
const numberOf = (value: number | string): number => (typeof value === "number" ? value : (WORDS[value] as number));

const variables = (start: readonly Values[]): Variable[] =>
  start.map((values) => tf.tidy(() => tf.variable(tf.tensor1d([...values], "float32"))));

/** Trains on given gradients in an engine. @returns the state after each step */
function stepsOf(engine: EngineName, { interval, scale, goodSteps, gradients }: Golden["runs"][number]): GoldenStep[] {
  const { momentum, weightDecay, learningRate, start } = GOLDEN;
  const parameters = variables(start);
  const buffers = variables(start.map((values) => values.map(() => 0)));
  const lossScale = createLossScale(interval);
  tf.tidy(() => {
    lossScale.scale.assign(tf.scalar(scale));
    lossScale.goodSteps.assign(tf.scalar(goodSteps));
  });
  const state = [...parameters, ...buffers, lossScale.scale, lossScale.goodSteps];
  const perStep = Object.fromEntries(
    start.map(({ length }, i) => [`g${i}`, { shape: [length], dtype: "float32" } as const]),
  );
  const program = compile(engine, {
    name: "loss_scale",
    precision: "float32",
    entries: {
      step: {
        step(feeds) {
          const scaled = start.map((_, i) => tf.mul(feeds[`g${i}`] as Tensor, lossScale.scale));
          const { taken, unscaled, updates } = unscale(lossScale, scaled);
          const options = { momentum, weightDecay, taken };
          const next = sgdUpdates(parameters, buffers, scaled.map(unscaled), tf.scalar(learningRate), options);
          return [...next, ...updates];
        },
        perStep,
        shared: {},
        stepsPerCall: 1,
      },
    },
    variables: { state },
  });
  program.push("state");
  const read = (some: readonly Variable[]): Values[] => some.map((variable) => [...variable.dataSync()]);
  const found = gradients.map((step): GoldenStep => {
    const feeds = step.map((values, i) => [`g${i}`, Float32Array.from(values.map(numberOf))] as const);
    program.run("step", Object.fromEntries(feeds), 1);
    program.pull("state");
    const [[scaleNow = 0] = [], [goodNow = 0] = []] = read([lossScale.scale, lossScale.goodSteps]);
    return { scale: scaleNow, goodSteps: goodNow, parameters: read(parameters), momentum: read(buffers) };
  });
  program.dispose();
  tf.dispose(state);
  return found;
}

describe("loss scaling is GradScaler's, to the last bit", () => {
  for (const engine of ["eager", "graph", "xla"] as const) {
    for (const run of GOLDEN.runs) {
      it(`${engine}, growing after ${run.interval} good steps`, () => {
        assert.deepEqual(stepsOf(engine, run), run.steps);
      });
    }
  }
});

const SETUP = { engine: "graph", train: noiseImages(12, 1), batchSize: 4, epochs: 1 } as const;

/** The same with a scale, whose products stay float32. */
const scaled = ({ learner, constants }: Pupil): Pupil => ({ constants, learner: withLossScale(learner, "float16") });

describe("a scale of 2^16 changes no bit of what float32 computes", () => {
  for (const method of ["ours", "dot"]) {
    it(method, () => {
      const [plain, other] = [studentPupil(method), scaled(studentPupil(method))].map((pupil) => study(pupil, SETUP));
      assert.ok(plain && other);
      assert.deepEqual(other.losses, plain.losses);
      const count = plain.weights.length;
      assert.equal(other.weights.length, count + 2);
      assert.deepEqual(other.weights.slice(0, count), plain.weights);
      const state = other.weights.slice(count).map((bytes) => bytes.readFloatLE());
      assert.deepEqual(state, [65536, 3], "no step was skipped");
    });
  }
});
