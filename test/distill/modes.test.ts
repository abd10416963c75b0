import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { stateSha256 } from "#pefd/checkpoint/seal.js";
import { defineMethod } from "#pefd/distill/method.js";
import { METHODS } from "#pefd/distill/registry.js";
import { linear } from "#pefd/nn/layers.js";
import { loadTensorFlow, type Scalar, type Tensor, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { withMany } from "../helpers/matrices.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, hooksStoppingAfter, randomTeacher, silentHooks, smallData } from "../train/runs.js";

const squared = (x: Tensor, y: Tensor): Scalar => tf.mean(tf.square(tf.sub(x, y)));

/**
 * A teacher in training mode, a strong view, an optimizer with two momentum buffers, and a phase in which one batch
 * normalisation of the student is in evaluation mode.
 */
const modes = defineMethod({
  name: "modes",
  summary: "modes of teacher, student, images and optimizer",
  paper: "none",
  code: "none",
  formula: "none",
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {},
  terms: ["early", "weak", "strong"],
  sees: () => ["pooled"],
  teacherMode: "training",
  strongView: true,
  build({ student, teacher }, _options, make) {
    const project = linear(make, "project", student.pooled, teacher.pooled);
    const distance = (at: { student: { pooled: Tensor }; teacher: { pooled: Tensor } }) =>
      squared(project(at.student.pooled as never), at.teacher.pooled);
    const held = student.state.filter(({ name }) => name === "bn1.running_mean");
    return {
      terms: (at) => ({ weak: distance(at), strong: distance(at.strong) }),
      phases: [
        {
          epochs: 1,
          terms: ["early"],
          loss: (at) => ({ early: distance(at) }),
          inEvaluation: held.flatMap(({ variable }) => (variable ? [variable] : [])),
        },
      ],
      optimizer: { momenta: [{ terms: ["ce"], difference: -0.075, decays: true }, { difference: 0.075 }] },
    };
  },
});

before(() => {
  loadTensorFlow();
  METHODS.add(modes);
});

async function values(path: string, prefix = ""): Promise<Map<string, Float32Array>> {
  const { state } = await readCheckpoint(path);
  return new Map(
    [...state]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), toFloat32(tensor)]),
  );
}

test("modes of teacher, student, images and optimizer: graph is eager, a stopped run goes on", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const path = await randomTeacher(folder);
  const options = (name: string, changes: object = {}) =>
    distillOptions(folder, {
      distill: "modes",
      gamma: 1,
      alpha: 0.5,
      beta: 1,
      save_freq: 1,
      save_dir: join(folder, name),
      ...changes,
    });
  const sums = async ({ runDir }: { runDir: string }) => {
    const files = ["resnet8_last", "resnet8_last_projectors", "resume"];
    const states = files.map((file) => readCheckpoint(join(runDir, `${file}.safetensors`)));
    return (await Promise.all(states)).map(({ state }) => stateSha256(state));
  };
  const notices: string[] = [];
  const notice = (text: string) => void notices.push(text);
  const whole = await runDistill(options("whole", { teacher_cache: true }), silentHooks({ notice }));
  assert.match(notices.join("\n"), /--teacher_cache is not used here: .*training mode/);
  const expected = await sums(whole);
  const eager = await runDistill(options("eager", { engine: "eager" }), silentHooks());
  assert.deepEqual(await sums(eager), expected);
  for (const [epoch, step] of [[1, 2] as const, [2, 1] as const]) {
    const stopped = options(`stopped${epoch}`, { tb_freq: 1 });
    await assert.rejects(runDistill(stopped, hooksStoppingAfter(epoch, step)), {
      message: "stopped",
    });
    const resumed = await runDistill({ ...stopped, resume: true }, silentHooks());
    assert.deepEqual(await sums(resumed), expected);
  }

  await t.test("xla comes to the same but for rounding", { skip: withMany }, async () => {
    const kept = async (engine: "eager" | "xla") => {
      const slow = options(`slow ${engine}`, { engine, learning_rate: 1e-3 });
      const { runDir } = await runDistill(slow, silentHooks());
      return values(join(runDir, "resume.safetensors"));
    };
    const [found, wanted] = [await kept("xla"), await kept("eager")];
    for (const [name, expected] of wanted) {
      const actual = found.get(name) as Float32Array;
      const apart = Math.hypot(...actual.map((value, i) => value - (expected[i] as number)));
      assert.ok(apart < 1e-2 * Math.hypot(...expected) + 1e-6, `${name} is ${apart} apart`);
    }
  });

  const teacher = await values(path);
  const moved = await values(join(whole.runDir, "resume.safetensors"), "teacher.");
  const statistics = [...teacher.keys()].filter((name) => /running_(mean|var)$/.test(name));
  assert.deepEqual([...moved.keys()], statistics, "of the teacher, statistics alone are kept");
  for (const name of statistics) assert.notDeepEqual(moved.get(name), teacher.get(name), name);

  const [first, last] = await Promise.all(
    ["ckpt_epoch_1", "resnet8_last"].map((name) => values(join(whole.runDir, `${name}.safetensors`))),
  );
  const held = first?.get("bn1.running_mean");
  assert.ok(
    held?.every((value) => value === 0),
    "it was in evaluation mode in the phase",
  );
  assert.ok(last?.get("bn1.running_mean")?.some((value) => value !== 0));
  const other = first?.get("layer1.0.bn1.running_mean");
  assert.ok(
    other?.some((value) => value !== 0),
    "others were not",
  );
  assert.ok(
    first?.get("bn1.weight")?.some((value) => value !== 1),
    "its weights learn",
  );
});
