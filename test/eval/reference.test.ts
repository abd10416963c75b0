import assert from "node:assert/strict";
import { test } from "node:test";
import { realData } from "../data/cifar/recordFiles.js";
import { sharedPath } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";

/** What PyTorch makes of its own checkpoints in float32, on all 10,000 test images. */
const BY_PYTORCH = {
  resnet8x4: {
    file: "reference/resnet8x4_ours/ckpt_epoch_240.pth",
    top1: 76.3,
    top5: 94.44,
    loss: 0.84207,
  },
  resnet32x4: {
    file: "reference/resnet32x4_vanilla/ckpt_epoch_240.pth",
    top1: 79.42,
    top5: 94.75,
    loss: 0.85413,
  },
};

for (const [model, { file, ...expected }] of Object.entries(BY_PYTORCH)) {
  const checkpoint = sharedPath(file);
  const data = realData();
  const missing =
    checkpoint === undefined
      ? "the reference checkpoints are not beside the project"
      : data === undefined && "PEFD_REAL_DATA names no folder of the real CIFAR-100";
  test(`the reference ${model} evaluates on the real images as in PyTorch`, {
    skip: missing,
    timeout: 900_000,
  }, async () => {
    const words = ["eval", "--checkpoint", checkpoint as string, "--model", model];
    const { exitCode, stdout, stderr } = await pefd([
      ...words,
      "--data",
      data as string,
      "--precision",
      "float32",
      "--json",
    ]);
    assert.equal(exitCode, 0, stderr);
    const { n, top1, top5, loss } = JSON.parse(stdout);
    assert.equal(n, 10_000);
    const near = (value: number, other: number, tolerance: number) =>
      assert.ok(Math.abs(value - other) < tolerance, `${value}, by PyTorch ${other}`);
    near(top1, expected.top1, 0.02);
    near(top5, expected.top5, 0.02);
    near(loss, expected.loss, 0.0005);
  });
}
