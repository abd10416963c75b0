// Share of time that steps of XLA:CPU wait for images of files, read and copied, with the next call's copied before a call
// and while it computes, in turns: node scripts/bench-staging.js [MODEL] [SIDE] [BATCH] [CALLS].
// Without MODEL it is a single convolution, since calls of a GPU are short beside a copy.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FOLDER, synthesize } from "../dist/data/folder/row.js";
import { epochPlan, PLAN_COLUMNS } from "../dist/data/sampler.js";
import { teacherLearner } from "../dist/learn/learners.js";
import { convolution, definePlugin, globalAveragePool, linear, relu } from "../dist/plugin/index.js";
import { copyOfBinding } from "../dist/runtime/binding.js";
import { nativeBackend } from "../dist/runtime/native.js";
import { use } from "../dist/testing/scene.js";
import { openTrainingSession } from "../dist/train/session.js";
import { chooseSources } from "../dist/train/source.js";

const [name = "oneConvolution", side = "224", batch = "64", calls = "12"] = process.argv.slice(2);
const [batchSize, STEPS] = [Number(batch), 4];

const model = {
  name: "oneConvolution",
  family: "none",
  paper: "none: a benchmark",
  initialization: {},
  architecture(builder, numClasses) {
    const conv = convolution(builder, "conv", { inputs: 3, outputs: 8, kernel: 4, stride: 4, padding: 0 });
    const fc = linear(builder, "fc", 8, numClasses);
    const forward = (images) => {
      const beforeRelu = conv(images);
      const stem = { out: relu(beforeRelu), beforeRelu };
      const pooled = globalAveragePool(stem.out);
      return { stem, maps: [stem], pooled, logits: fc(pooled) };
    };
    return { featureSize: 8, forward };
  },
};

/** Milliseconds in calls of steps, and in reading. */
const spent = { steps: 0, reading: 0 };
const timed = (key, run) => {
  const started = performance.now();
  const result = run();
  spent[key] += performance.now() - started;
  return result;
};

use(definePlugin({ models: [model] }));
const backend = nativeBackend();
const { binding } = backend;
backend.binding = {
  ...copyOfBinding(binding),
  runSavedModel: (session, ids, inputs, outputs) => {
    const run = () => binding.runSavedModel(session, ids, inputs, outputs);
    return outputs.includes("loop/done") ? timed("steps", run) : run();
  },
};

const scratch = mkdtempSync(join(tmpdir(), "pefd-bench-staging-"));
try {
  await synthesize(scratch, { train: STEPS * batchSize * 2, test: 2, seed: 1, classes: 2 });
  const { train: images, test: tested } = await FOLDER.sized(Number(side)).open(scratch);
  const settings = { seed: 1, workers: 1, batchSize, staged: true };
  const [source, test] = chooseSources([images, tested], "xla", settings);
  const train = { ...source, values: (...rows) => timed("reading", () => source.values(...rows)) };
  const session = openTrainingSession({
    engine: "xla",
    precision: "float32",
    learner: teacherLearner(name, 2, 1),
    constants: [],
    batchSize,
    train,
    test,
    sgd: { momentum: 0.9, weightDecay: 1e-4 },
    isDue: (step) => step % STEPS === 0,
  });
  const size = STEPS * batchSize * PLAN_COLUMNS;
  /** Trains some epochs of two calls each. @param next steps of which the images are copied within a call */
  const share = (next, first) => {
    const epochs = Array.from({ length: Number(calls) / 2 }, (_, i) =>
      epochPlan(1, first + i, images.count, images.augmentation),
    );
    const plan = Int32Array.from(epochs.flatMap((rows) => [...rows]));
    Object.assign(spent, { steps: 0, reading: 0 });
    const started = performance.now();
    for (let from = 0; from < plan.length; from += size) {
      const later = plan.subarray(from + size);
      const place = { learningRate: 1e-3, epoch: first, step: 1 };
      session.train(plan.subarray(from, from + size), place, later, later.length > 0 ? next : 0);
    }
    const all = performance.now() - started;
    const percent = (part) => `${((100 * part) / all).toFixed(1)} %`;
    return {
      call: `${(all / Number(calls)).toFixed(0)} ms`,
      waiting: percent(all - spent.steps),
      reading: percent(spent.reading),
      copying: percent(all - spent.steps - spent.reading),
    };
  };
  share(0, 1); // compiles
  for (let turn = 1; turn <= 3; turn++) {
    const [before, within] = [share(0, 10 * turn), share(STEPS, 10 * turn + 5)];
    process.stdout.write(`${JSON.stringify({ model: name, side, batch, before, within })}\n`);
  }
  session.dispose();
  source.close();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
