// Times a distillation step without --teacher_cache, with every output missing, and with every output found, in turns
// and in one process: node scripts/bench-teacher-cache.js DATA [BATCH] [STEPS] [ENGINE]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CIFAR100, CIFAR100_FORMAT } from "../dist/data/cifar/row.js";
import { epochPlan, PLAN_COLUMNS } from "../dist/data/sampler.js";
import { methodRow } from "../dist/distill/registry.js";
import { frozen, studentLearner } from "../dist/learn/learners.js";
import { buildModel, initialFill } from "../dist/models/build.js";
import { silentReporter } from "../dist/report/live/reporter.js";
import { loadTensorFlow } from "../dist/runtime/tf.js";
import { chooseEngine } from "../dist/train/engine.js";
import { openTrainingSession } from "../dist/train/session.js";
import { streamedSource } from "../dist/train/source.js";
import { openTeacherCache } from "../dist/train/teacherCache/open.js";

const [data, batch = "16", steps = "20", engine = "auto"] = process.argv.slice(2);
const [batchSize, count] = [Number(batch), Number(steps)];
const METHOD = "ours";
/** Where in a training the steps stand; their time does not depend on it. */
const PLACE = { learningRate: 0.05, epoch: 1, step: 1 };
const row = methodRow(METHOD);
const setting = { model_s: "resnet8x4", distill: METHOD, ...row.weights };

loadTensorFlow({ env: process.env, keepPrograms: false });
const dataset = CIFAR100.open(data, { limitTrain: batchSize * count, limitTest: 1 });
const choice = chooseEngine({ engine, precision: "auto" }, process.env);
const teacher = frozen(buildModel("resnet32x4", 100, initialFill("resnet32x4", 1, "teacher")));
const folder = mkdtempSync(join(tmpdir(), "pefd-bench-"));
const cache = await openTeacherCache({
  teachers: [teacher],
  dataset,
  choice,
  batchSize,
  views: row.sees({}),
  exact: false,
  cacheDirectory: folder,
  reporter: silentReporter,
});
const source = streamedSource(dataset.train);

/** A session of its own, a step of it taken already. */
function session(train) {
  const opened = openTrainingSession({
    ...choice,
    batchSize,
    train,
    test: streamedSource(dataset.test),
    learner: studentLearner(teacher.model, setting, 100, 10),
    constants: teacher.variables,
    sgd: { momentum: 0.9, weightDecay: 5e-4 },
  });
  opened.train(rowsOf(epochPlan(0, 1, dataset.train.count, CIFAR100_FORMAT.augmentation), 0), PLACE);
  return opened;
}

const rowsOf = (plan, step) => plan.subarray(step * batchSize * PLAN_COLUMNS, (step + 1) * batchSize * PLAN_COLUMNS);

function timed(opened, rows) {
  const started = performance.now();
  const dataSeconds = opened.train(rows, PLACE);
  return { ms: performance.now() - started, dataMs: 1000 * dataSeconds };
}

const sessions = { without: session(source), cached: session(cache.guide(source)) };
const times = { without: [], missing: [], found: [] };
const plan = epochPlan(1, 1, dataset.train.count, CIFAR100_FORMAT.augmentation);
for (let step = 0; step < count; step++) {
  const rows = rowsOf(plan, step);
  times.without.push(timed(sessions.without, rows));
  times.missing.push(timed(sessions.cached, rows));
  times.found.push(timed(sessions.cached, rows));
}

const spread = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median, most] = [0, sorted.length >> 1, sorted.length - 1].map((i) => sorted[i]);
  return `${median.toFixed(1)} (${least.toFixed(1)}-${most.toFixed(1)})`;
};
console.log(`${choice.engine}, ${choice.precision}, ${choice.device}, batch ${batchSize}`);
for (const [name, taken] of Object.entries(times)) {
  const ms = spread(taken.map((time) => time.ms));
  const dataMs = spread(taken.map((time) => time.dataMs));
  console.log(`${name}: ${ms} ms per step, of which feeds ${dataMs}`);
}
for (const opened of Object.values(sessions)) opened.dispose();
cache.close();
rmSync(folder, { recursive: true });
