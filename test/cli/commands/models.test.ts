import assert from "node:assert/strict";
import { test } from "node:test";
import { modelNames } from "#pefd/models/registry.js";
import { pefd } from "../../helpers/pefd.js";

test("pefd models lists every model with its sizes, and every paper", async () => {
  const { exitCode, stdout, stderr } = await pefd(["models"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  for (const name of modelNames()) assert.match(stdout, new RegExp(`^${name} `, "m"));
  assert.match(
    stdout,
    /^resnet8x4 +resnet +1,233,540 +177 M +4\.95 +1\.25 +32 +32x32x32 32x32x64 16x16x128 8x8x256 256$/m,
  );
  assert.match(stdout, /^wrn_16_1, .*:\n {2}Zagoruyko and Komodakis/m);
});

test("pefd models --json is one document with exact numbers", async () => {
  const { exitCode, stdout } = await pefd(["models", "--json"]);
  assert.equal(exitCode, 0);
  const models = JSON.parse(stdout) as { name: string; paper: string }[];
  assert.deepEqual(
    models.map(({ name }) => name),
    modelNames(),
  );
  const found = models.find(({ name }) => name === "vgg8");
  assert.ok(found);
  const { paper, ...numbers } = found;
  assert.match(paper, /Simonyan/);
  assert.deepEqual(numbers, {
    name: "vgg8",
    family: "vgg",
    parameters: 3965028,
    multiplyAdds: 96192512,
    bytes: { float32: 15_871_888, int8: 3_984_560 },
    features: [[32, 32, 64], [16, 16, 128], [8, 8, 256], [4, 4, 512], [4, 4, 512], [512]],
    featureSize: 512,
    imageSize: 32,
    numClasses: 100,
  });
});
