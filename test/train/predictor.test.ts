import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeSealedCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import type { EvalOptions } from "#pefd/config/options.js";
import { methodRow } from "#pefd/distill/registry.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { runEvaluations } from "#pefd/train/evaluate.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "./runs.js";

before(() => {
  loadTensorFlow();
});

/** Methods that predict through more than the student, and the tensors that they do it with. */
const THROUGH: Readonly<Record<string, readonly string[]>> = {
  simkd: [
    ...[0, 1, 3, 4, 6, 7].map((layer) => `own.simkd.transfer.${layer}.weight`),
    ...[1, 4, 7].flatMap((layer) =>
      ["bias", "running_mean", "running_var"].map((name) => `own.simkd.transfer.${layer}.${name}`),
    ),
    "teacher.fc.weight",
    "teacher.fc.bias",
  ],
  norm: ["layer31", "layer32"].flatMap((layer) => [
    `own.${layer}.0.weight`,
    ...["weight", "bias", "running_mean", "running_var"].map((name) => `own.${layer}.1.${name}`),
  ]),
  cid: ["own.fc_new.linear.weight", "own.fc_new.linear.bias", "own.context"],
};

for (const [distill, tensors] of Object.entries(THROUGH)) {
  test(`${distill}: a checkpoint is evaluated as its run's evaluations were, and alone only with a warning`, async (t) => {
    const folder = temporaryFolder(t);
    await smallData(folder);
    await randomTeacher(folder);
    const options = distillOptions(folder, {
      distill,
      ...methodRow(distill).weights,
      learning_rate: 0.01,
      save_freq: 1,
      epochs: 3,
      init_epochs: 1,
    });
    const { runDir } = await runDistill(options, silentHooks());
    const file = (name: string) => join(runDir, `${name}.safetensors`);
    const { state } = await readCheckpoint(file("resnet8_last_predictor"));
    assert.deepEqual([...state.keys()].sort(), [...tensors].sort());

    const warnings: string[] = [];
    const evaluate = async (name: string) => {
      const subject = {
        checkpoint: file(name),
        model: undefined,
        dataset: "cifar100",
        data: options.data,
        engine: "graph",
        precision: "float32",
        no_cache: true,
      } as unknown as EvalOptions;
      const onWarning = (text: string) => void warnings.push(text);
      const hooks = { env: {}, onProgress: () => {}, onWarning };
      const [detail] = await runEvaluations([subject], hooks);
      return (detail as NonNullable<typeof detail>).result;
    };
    for (const { epoch, test: told } of readEpochLog(runDir)) {
      const { top1, loss, predictsThrough } = await evaluate(`ckpt_epoch_${epoch}`);
      assert.deepEqual([top1, predictsThrough], [told.top1, distill]);
      assert.ok(Math.abs(loss - told.loss) < 1e-5 * told.loss, `${loss} is not ${told.loss}`);
    }
    assert.deepEqual(warnings, []);

    const whole = await evaluate("resnet8_last");
    const { state: own, metadata } = await readCheckpoint(file("resnet8_last_predictor"));
    const write = (changes: object) =>
      writeSealedCheckpoint(file("resnet8_last_predictor"), own, { ...metadata, ...changes });
    await write({ identitySha256: "0".repeat(64) });
    await assert.rejects(evaluate("resnet8_last"), {
      exitCode: 2,
      message: /resnet8_last_predictor\.safetensors is of another run than/,
    });
    await write({ epoch: 1 });
    await assert.rejects(evaluate("resnet8_last"), {
      exitCode: 2,
      message: /is of epoch 1, and .*resnet8_last\.safetensors of epoch 3/,
    });
    await write({ identitySha256: undefined });
    assert.equal((await evaluate("resnet8_last")).loss, whole.loss, "an earlier version's opens");
    renameSync(file("resnet8_last_predictor"), file("elsewhere"));
    const alone = await evaluate("resnet8_last");
    assert.match(warnings.join(), /resnet8_last.safetensors is evaluated alone.*_predictor.safetensors/);
    assert.equal(alone.predictsThrough, undefined);
    assert.notEqual(alone.loss, whole.loss);
  });
}
