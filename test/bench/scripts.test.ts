import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { runScript } from "../helpers/pefd.js";
import { missingPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const timing = (engine: string, stepMs: number) => ({
  ...{ what: "train teacher resnet8", engine, precision: "float32", batchSize: 64 },
  ...{ stepMs, stepMsMin: stepMs, stepMsMax: 2 * stepMs, imagesPerSecond: 10, firstStepMs: 5 },
});

test("both programs' documents become one table and one document", async (t) => {
  const folder = temporaryFolder(t);
  const write = (name: string, document: unknown) => {
    writeFileSync(join(folder, name), JSON.stringify(document));
    return join(folder, name);
  };
  const ours = { device: "A", tensorflow: "2.21.0", results: [timing("graph", 1.5)] };
  const theirs = { device: "A", pytorch: "2.13", results: [timing("pytorch-eager", 1234.4)] };
  const files = [write("ours.json", ours), write("theirs.json", theirs)];
  const { exitCode, stderr } = await runScript(resolve(ROOT, "scripts/bench-merge.js"), [
    folder,
    ...files,
  ]);
  assert.equal(exitCode, 0, stderr);
  const markdown = readFileSync(join(folder, "bench.md"), "utf8");
  assert.match(markdown, /pefd, TensorFlow 2\.21\.0 +\| graph +\| float32 +\| +64 +\| +1\.50 +\|/);
  assert.match(markdown, /PyTorch 2\.13 +\| pytorch-eager +\| float32 +\| +64 +\| +1234 +\|/);
  const merged = JSON.parse(readFileSync(join(folder, "bench.json"), "utf8"));
  assert.deepEqual(merged.documents, [ours, theirs]);
});

const skip = missingPython("torch");

test("bench-pytorch.py times the same works as pefd bench", { skip, timeout: 300_000 }, () => {
  const stdout = execFileSync(
    process.env.PEFD_PYTHON ?? "python3",
    [
      resolve(ROOT, "scripts/bench-pytorch.py"),
      ...["--json", "--teacher", "resnet8", "--student", "resnet8", "--batch-size", "2"],
      ...["--steps", "1", "--repeats", "1", "--test-images", "2"],
    ],
    { encoding: "utf8" },
  );
  const { results } = JSON.parse(stdout);
  const whats = new Set(results.map(({ what }: { what: string }) => what));
  assert.deepEqual(
    [...whats],
    ["distill ours resnet8 -> resnet8", "train teacher resnet8", "evaluate resnet8"],
  );
  for (const result of results) {
    const { stepMs, stepMsMin, stepMsMax, imagesPerSecond, firstStepMs } = result;
    assert.ok(stepMsMin > 0 && stepMsMin <= stepMs && stepMs <= stepMsMax, JSON.stringify(result));
    assert.ok(imagesPerSecond > 0 && firstStepMs > 0);
  }
});

const skipProfile = missingPython("tensorflow");

test("profile-step.js divides a step between teacher, student and optimizer", {
  skip: skipProfile,
  timeout: 300_000,
}, () => {
  const stdout = execFileSync(
    process.execPath,
    [resolve(ROOT, "scripts/profile-step.js"), "distill", "1"],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
  const rows = stdout.split("\n").map((line) => line.match(/^ *([\d.]+) % .* ms {2}(.*)$/));
  const shares = new Map(rows.flatMap((row) => (row ? [[row[2], Number(row[1])]] : [])));
  for (const part of ["frozen teacher: convolution", "trained model: convolution"]) {
    assert.ok((shares.get(part) ?? 0) > 10, stdout);
  }
  assert.ok(
    [...shares.keys()].some((part) => part?.startsWith("optimizer")),
    stdout,
  );
  const total = [...shares.values()].reduce((sum, share) => sum + share, 0);
  assert.ok(Math.abs(total - 100) < 2, stdout);
});
