import assert from "node:assert/strict";
import { test } from "node:test";
import type { Layer } from "#pefd/config/resolve.js";
import { planSweep } from "#pefd/sweep/plan.js";
import { layer } from "./layers.js";

const PATH = "teachers/resnet32x4_vanilla/ckpt_epoch_240.pth";
const plan = (...layers: readonly Layer[]) => planSweep(layers, async () => undefined);

test("runs lie where distill would put them", async () => {
  const runs = await plan(layer({ path_t: PATH, distill: "ours,kd" }));
  assert.deepEqual(
    runs.map(({ runDir }) => runDir),
    [
      "save/student_model/S:resnet8x4_T:resnet32x4_cifar100_ours_r:1_a:0_b:25_1",
      "save/student_model/S:resnet8x4_T:resnet32x4_cifar100_kd_r:0.1_a:0_b:0.9_1",
    ],
  );
});

test("an option that folders are not named after gets a folder for each value", async () => {
  const runs = await plan(layer({ path_t: PATH, batch_size: "1,2", save_dir: "out", beta: "1,2" }));
  assert.deepEqual(
    runs.map(({ options }) => [options.save_dir, options.batch_size, options.beta]),
    [
      ["out/batch_size=1", 1, 1],
      ["out/batch_size=2", 2, 1],
      ["out/batch_size=1", 1, 2],
      ["out/batch_size=2", 2, 2],
    ],
  );
  assert.equal(new Set(runs.map(({ runDir }) => runDir)).size, 4);
});

test("a folder's name tells a method's own options where they are not as by default", async () => {
  const runs = await plan(layer({ path_t: PATH, num_proj: "3,2", kd_T: "4,2" }));
  const base = "save/student_model/S:resnet8x4_T:resnet32x4_cifar100_ours_r:1_a:0_b:25_1";
  assert.deepEqual(
    runs.map(({ runDir }) => runDir),
    [base, `${base}_num_proj:2`, `${base}_kd_T:2`, `${base}_kd_T:2_num_proj:2`],
  );
});

test("two teachers of one model have folders of their own", async () => {
  const paths = [PATH, PATH.replace("vanilla", "other")];
  const runs = await plan(layer({ path_t: paths }));
  assert.equal(new Set(runs.map(({ runDir }) => runDir)).size, 2);
});

test("labels tell what varies, and a teacher's file where its model does not tell it apart", async () => {
  const labels = async (given: Record<string, unknown>) =>
    (await plan(layer({ distill: "kd", ...given }))).map(({ label }) => label);
  assert.deepEqual(await labels({ path_t: [PATH, PATH.replace("vanilla", "other")] }), [
    "resnet32x4 -> resnet8x4, kd, path_t=resnet32x4_vanilla_ckpt_epoch_240.pth, trial 1",
    "resnet32x4 -> resnet8x4, kd, path_t=resnet32x4_other_ckpt_epoch_240.pth, trial 1",
  ]);
  const named = { path_t: ["a/x.pth", "b/x.pth"], model_t: "resnet8,resnet14", batch_size: "1,2" };
  assert.deepEqual(await labels(named), [
    "resnet8 -> resnet8x4, kd, batch_size=1, trial 1",
    "resnet8 -> resnet8x4, kd, batch_size=2, trial 1",
    "resnet14 -> resnet8x4, kd, batch_size=1, trial 1",
    "resnet14 -> resnet8x4, kd, batch_size=2, trial 1",
  ]);
});

test("a run's line holds what was given anywhere, and nothing else", async () => {
  const file = layer({ distill: ["kd"], batch_size: 32, lr_decay_epochs: [3, 4] }, "file");
  const [run] = await plan(layer({ path_t: PATH, trial: "2" }), file);
  assert.equal(
    run?.words.join(" "),
    `distill --path_t ${PATH} --distill kd --batch_size 32 --lr_decay_epochs 3,4 --trial 2 --resume`,
  );
});

test("a run of generations is done when its last one is, and begins with the first one's teacher", async () => {
  const [run] = await plan(layer({ path_t: PATH, distill: "kd", generations: "3" }));
  assert.ok(run?.runDir.endsWith("_T:resnet32x4_cifar100_kd_r:0.1_a:0_b:0.9_1_generation:3"));
  assert.equal(run?.words.join(" "), `distill --path_t ${PATH} --distill kd --generations 3 --resume`);
});

test("a value that is not allowed is refused before any run", async () => {
  await assert.rejects(plan(layer({ path_t: PATH, distill: "ours,kdd" })), /unknown method kdd/);
});

test("a teacher that is not there is refused with what to type", async () => {
  await assert.rejects(plan(layer({ model_t: "resnet56" })), /No teacher resnet56/);
});
