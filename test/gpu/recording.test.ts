import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { runProgram } from "../helpers/pefd.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { eventsOf, readEvents } from "./runs/events.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** A program that records the steps of a distillation, and ends where a graph of them would be loaded. */
const PROGRAM = `
import { appendFileSync } from "node:fs";
import { randomImages } from "./dist/bench/work.js";
import { frozen, studentLearner } from "./dist/learn/learners.js";
import { buildModel, initialFill } from "./dist/models/build.js";
import { isGpu } from "./dist/runtime/device.js";
import { withBinding } from "./dist/runtime/native.js";
import { loadTensorFlow } from "./dist/runtime/tf.js";
import { openTrainingSession } from "./dist/train/session.js";
import { residentSource } from "./dist/train/source.js";

loadTensorFlow();
if (!isGpu()) throw new Error("no GPU");
const { model, variables } = frozen(buildModel("resnet32x4", 100, initialFill("resnet32x4", 1, "teacher")));
const setting = { model_s: "resnet8x4", distill: "ours", gamma: 1, alpha: 0, beta: 25 };
const learner = studentLearner(model, setting, 100, 1);
const [train, test] = [residentSource(randomImages(512, 1)), residentSource(randomImages(64, 2))];
const mark = (name) => appendFileSync(process.env.PRETENDED_GPU_LOG, "mark 1 " + name + "\\n");
mark("recording");
try {
  withBinding(() => ({ loadSavedModel() { throw new Error("recorded"); } }), () =>
    openTrainingSession({
      engine: "xla", precision: "bfloat16", learner, constants: variables, batchSize: 64, train, test,
      ahead: 4, sgd: { momentum: 0.9, weightDecay: 5e-4 },
    }),
  );
} catch (error) {
  if (error.message !== "recorded") throw error;
}
mark("recorded");
`;

let gpu: PretendedGpu | undefined;
const skip = noPretendedGpu();
before(() => {
  if (skip === false) gpu = pretendGpu();
});
after(() => gpu?.remove());

it("recording a step takes no memory of a GPU and copies nothing to it", { skip }, async (t) => {
  const { root, project, environment } = gpu as PretendedGpu;
  const [program, log] = [join(project, "record.mjs"), join(root, "recording")];
  writeFileSync(program, PROGRAM);
  const env = { ...environment(), PRETENDED_GPU_LOG: log };
  const { exitCode, stderr } = await runProgram(process.execPath, [program], { env, cwd: root });
  assert.equal(exitCode, 0, stderr);
  const events = readEvents(log);
  const places = events.flatMap(({ kind }, i) => ((kind as string) === "mark" ? [i] : []));
  assert.equal(places.length, 2);
  const during = events.slice(...places);
  for (const kind of ["allocate", "to-device", "to-host", "launch"] as const) {
    const sizes = eventsOf(during, kind).map(({ amount }) => amount);
    t.diagnostic(`${kind} while recording: ${sizes.length}, ${sizes.reduce((a, b) => a + b, 0)}`);
    assert.equal(sizes.length, 0, kind);
  }
});
