import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import type { StateTensor } from "#pefd/common/stateDict.js";
import { METHODS } from "#pefd/distill/registry.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { withMany } from "../helpers/matrices.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, hooksStoppingAfter, randomTeacher, silentHooks, smallData } from "../train/runs.js";
import { everything } from "./everything.js";

before(() => {
  loadTensorFlow();
  METHODS.add(everything);
});

const OPTIONS = { distill: "everything", gamma: 1, alpha: 0, beta: 0.5, save_freq: 1 };

async function tensorsOf(path: string): Promise<Map<string, Float32Array>> {
  const { state } = await readCheckpoint(path);
  return new Map(Array.from(state, ([name, tensor]: [string, StateTensor]) => [name, toFloat32(tensor)]));
}

test("labels, places, epoch, draws, a bank, own statistics and groups: graph is eager, a stopped run goes on", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const options = (name: string, changes: object = {}) =>
    distillOptions(folder, { ...OPTIONS, save_dir: join(folder, name), ...changes });
  const files = ["resnet8_last.safetensors", "resnet8_last_projectors.safetensors"];
  const bytesOf = ({ runDir }: { runDir: string }) => files.map((file) => readFileSync(join(runDir, file)));

  const whole = await runDistill(options("whole"), silentHooks());
  const eager = await runDistill(options("eager", { engine: "eager" }), silentHooks());
  assert.deepEqual(bytesOf(eager), bytesOf(whole));

  const stopped = options("stopped", { tb_freq: 1 });
  await assert.rejects(runDistill(stopped, hooksStoppingAfter(2, 2)), { message: "stopped" });
  const resumed = await runDistill({ ...stopped, resume: true }, silentHooks());
  assert.deepEqual(bytesOf(resumed), bytesOf(whole));
  assert.deepEqual(
    readEpochLog(resumed.runDir).map(({ train }) => train),
    readEpochLog(whole.runDir).map(({ train }) => train),
  );

  for (const { test } of readEpochLog(whole.runDir)) {
    assert.ok(Math.abs(test.loss - Math.log(100)) < 1e-5, "the method's own logits are evaluated");
  }

  const [first, last] = await Promise.all(
    ["ckpt_epoch_1", "resnet8_last"].map((name) => tensorsOf(join(whole.runDir, `${name}_projectors.safetensors`))),
  );
  assert.deepEqual(
    [...(last?.keys() ?? [])].filter((name) => name.startsWith("bank")),
    [],
  );
  const values = (name: string) => [first?.get(name), last?.get(name)] as const;
  assert.notDeepEqual(...values("norm.running_mean"), "own statistics follow the batches");
  assert.deepEqual(...values("unreached.weight"), "what no term reaches stays as it is");
  assert.deepEqual(...values("held.weight"), "a rate of zero holds a group");
  assert.notDeepEqual(...values("regressor.weight"));

  const bank = (await tensorsOf(join(whole.runDir, "resume.safetensors"))).get("extra.bank");
  assert.equal(bank?.length, 20 * 4);
  const rows = Array.from({ length: 20 }, (_, i) => bank?.subarray(4 * i, 4 * i + 4));
  assert.ok(
    rows.every((row) => row?.some((value) => value !== 0)),
    "every image has left its row",
  );
});

const XLA = "xla: draws, places, the bank and what learns are eager's but for rounding";
test(XLA, { skip: withMany }, async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const kept = async (engine: "eager" | "xla") => {
    const changes = { engine, save_dir: join(folder, engine), learning_rate: 1e-3 };
    const { runDir } = await runDistill(distillOptions(folder, { ...OPTIONS, ...changes }), silentHooks());
    return tensorsOf(join(runDir, "resume.safetensors"));
  };
  const [eager, xla] = [await kept("eager"), await kept("xla")];
  assert.deepEqual([...xla.keys()], [...eager.keys()]);
  for (const [name, expected] of eager) {
    const actual = xla.get(name) as Float32Array;
    const scale = Math.hypot(...expected) || 1;
    const apart = Math.hypot(...actual.map((value, i) => value - (expected[i] as number)));
    assert.ok(apart < 1e-2 * scale, `${name} is ${apart} of ${scale} apart`);
  }
});
