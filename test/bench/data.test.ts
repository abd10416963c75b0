import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { DATASETS } from "#pefd/data/registry.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const QUICK = ["--batch_size", "4", "--repeats", "2", "--steps", "2", "--json"];

for (const { name, synthesize } of DATASETS.rows()) {
  test(`${name}: reading is timed`, async (t) => {
    if (synthesize === undefined) return t.skip(`there are no synthetic images for ${name}`);
    const cwd = temporaryFolder(t);
    await synthesize(join(cwd, "images"), { train: 9, test: 3, seed: 2, classes: 3 });
    const where = ["--dataset", name, "--data", "images", "--num_workers", "1"];
    const { exitCode, stdout, stderr } = await pefd(["bench", "--what", "data", ...where, ...QUICK], { cwd });
    assert.equal(exitCode, 0, stderr);
    const { dataset, images, workers, reading, steps } = JSON.parse(stdout);
    assert.deepEqual([dataset, images, workers, steps], [name, 9, 1, undefined]);
    const { imagesPerSecond, imagesPerSecondMin, imagesPerSecondMax } = reading;
    assert.ok(imagesPerSecondMin > 0 && imagesPerSecondMin <= imagesPerSecond);
    assert.ok(imagesPerSecond <= imagesPerSecondMax && reading.imagesPerProcessorSecond > 0);
  });
}

test("steps of models that are named are timed with the data, and it is said what limits", async (t) => {
  const cwd = temporaryFolder(t);
  const sizes = { train: 12, test: 3, seed: 2, classes: 3 };
  await DATASETS.row("cifar10").synthesize?.(join(cwd, "images"), sizes);
  const words = ["bench", "--what", "data", "--dataset", "cifar10", "--data", "images", ...QUICK];
  const pair = ["--model_t", "resnet8", "--model_s", "resnet8", "--distill", "kd"];
  const { exitCode, stdout, stderr } = await pefd([...words, ...pair], { cwd });
  assert.equal(exitCode, 0, stderr);
  const { what, stepMs, waitingMs, waitingMsMax, limit, engine } = JSON.parse(stdout).steps;
  assert.deepEqual([what, engine], ["distill kd resnet8 -> resnet8", "graph"]);
  assert.ok(waitingMs >= 0 && waitingMs <= waitingMsMax && waitingMs < stepMs);
  assert.ok(limit === "data" || limit === "steps");
  const text = await pefd([...words.filter((word) => word !== "--json"), "--model_s", "resnet8"], {
    cwd,
  });
  assert.match(text.stdout, /train resnet8: graph, b?float(16|32), batch 4/);
  assert.match(text.stdout, /^(Data|Compute)-bound: /m);
});

test("what cannot be timed is said before anything is", async (t) => {
  const cwd = temporaryFolder(t);
  const both = await pefd(["bench", "--what", "data,distill"], { cwd });
  assert.equal(both.exitCode, 2);
  assert.match(both.stderr, /--what data cannot be combined with others/);
  await DATASETS.row("cifar10").synthesize?.(join(cwd, "images"), { train: 5, test: 3, seed: 2 });
  const words = ["bench", "--what", "data", "--dataset", "cifar10", "--data", "images"];
  const large = await pefd([...words, "--batch_size", "6"], { cwd });
  assert.equal(large.exitCode, 2);
  assert.match(large.stderr, /A batch of 6 images is larger than the 5 images of images/);
});
