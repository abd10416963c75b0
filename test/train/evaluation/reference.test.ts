import assert from "node:assert/strict";
import { test } from "node:test";
import { realData } from "../../data/cifar/recordFiles.js";
import { sharedPath } from "../../helpers/paths.js";
import { pefd } from "../../helpers/pefd.js";
import { noReferences, REFERENCES } from "./references.js";

for (const { model, file, ...expected } of REFERENCES) {
  test(`the reference ${model} evaluates on the real images as in PyTorch`, {
    skip: noReferences(),
    timeout: 900_000,
  }, async () => {
    const words = ["eval", "--checkpoint", sharedPath(file) as string, "--model", model];
    const { exitCode, stdout, stderr } = await pefd([
      ...words,
      "--data",
      realData() as string,
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
