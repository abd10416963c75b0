import assert from "node:assert/strict";
import { test } from "node:test";
import { pefd } from "../helpers/pefd.js";

const TINY = [
  "--model_t",
  "resnet8",
  "--model_s",
  "resnet8",
  "--batch_size",
  "2",
  "--steps",
  "1",
  "--repeats",
  "2",
  "--test_images",
  "2",
];

test("pefd bench --json times both engines for every work", { timeout: 300_000 }, async () => {
  const { exitCode, stdout, stderr } = await pefd([
    "bench",
    "--json",
    "--engine",
    "eager,graph",
    "--precision",
    "float32",
    ...TINY,
  ]);
  assert.equal(exitCode, 0, stderr);
  const document = JSON.parse(stdout);
  assert.equal(document.batchSize, 2);
  assert.match(document.device, /\S/);
  const told = document.results.map((r: Record<string, unknown>) => [r.what, r.engine]);
  assert.deepEqual(told, [
    ["distill ours resnet8 -> resnet8", "eager"],
    ["distill ours resnet8 -> resnet8", "graph"],
    ["train teacher resnet8", "eager"],
    ["train teacher resnet8", "graph"],
    ["evaluate resnet8", "eager"],
    ["evaluate resnet8", "graph"],
  ]);
  for (const result of document.results) {
    assert.equal(result.precision, "float32");
    const { stepMs, stepMsMin, stepMsMax, imagesPerSecond, firstStepMs } = result;
    assert.ok(stepMsMin > 0 && stepMsMin <= stepMs && stepMs <= stepMsMax, JSON.stringify(result));
    assert.ok(Number.isFinite(stepMsMax) && firstStepMs > 0);
    // Every work here takes one step of two images per repeat.
    assert.ok(Math.abs(imagesPerSecond * stepMs - 2000) < 1e-6 * 2000);
  }
});

test("pefd bench prints a table", { timeout: 300_000 }, async () => {
  const { exitCode, stdout, stderr } = await pefd(["bench", "--what", "evaluate", "--engine", "eager", ...TINY]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /what +engine +precision +batch +ms\/step +min-max +images\/s/);
  assert.match(stdout, /evaluate resnet8 +eager +float32 +2 +[\d.]+ +[\d.]+-[\d.]+ +[\d.]+/);
  assert.match(stderr, /evaluate resnet8: eager, float32/);
});

test("methods are timed beside kd, with what they cost over it", { timeout: 300_000 }, async () => {
  const { exitCode, stdout, stderr } = await pefd([
    "bench",
    "--json",
    "--distill",
    "hint,kd",
    "--engine",
    "eager",
    ...TINY,
  ]);
  assert.equal(exitCode, 0, stderr);
  const { results } = JSON.parse(stdout);
  const told = results.map((r: Record<string, unknown>) => [r.method, "overKd" in r]);
  assert.deepEqual(told, [
    ["kd", false],
    ["hint", true],
  ]);
  const { stepMs, ratio, memoryMb } = results[1].overKd;
  assert.ok(ratio > 0 && Number.isFinite(stepMs) && Number.isFinite(memoryMb), stdout);
});

test("a name that is none is refused with the names there are", async () => {
  const typed = [
    { args: ["--engine", "grahp"], says: /--engine: "grahp" is not a valid choice.*graph/s },
    { args: ["--distill", "kd,hnt"], says: /--distill: "hnt" is not a valid choice.*hint.*all/s },
    { args: ["--what", "distill,eval"], says: /--what: "eval" is not a valid choice.*evaluate/s },
    { args: ["--precision", "float8"], says: /--precision: "float8" is not a valid choice/ },
  ];
  for (const { args, says } of typed) {
    const { exitCode, stdout, stderr } = await pefd(["bench", ...args]);
    assert.deepEqual([exitCode, stdout], [2, ""]);
    assert.match(stderr, says);
  }
});

test("eager in bfloat16 is nothing to time", async () => {
  const { exitCode, stderr } = await pefd(["bench", "--engine", "eager", "--precision", "bfloat16", ...TINY]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /supports only float32/);
});

test("models for ImageNet are timed on images of its size and classes, or another size", {
  timeout: 300_000,
}, async () => {
  const time = async (...words: string[]) => {
    const pair = ["--model_t", "RESNET18", "--model_s", "RESNET18", "--batch_size", "2"];
    const short = ["--steps", "1", "--repeats", "1", "--test_images", "2", "--engine", "graph"];
    const float32 = ["--precision", "float32", "--json"];
    const { exitCode, stdout, stderr } = await pefd(["bench", ...pair, ...short, ...float32, ...words]);
    assert.equal(exitCode, 0, stderr);
    const { imageSize, numClasses, results } = JSON.parse(stdout);
    assert.equal(results.length, words.includes("--what") ? 1 : 3);
    return { imageSize, numClasses };
  };
  assert.deepEqual(await time("--what", "distill"), { imageSize: 224, numClasses: 1000 });
  assert.deepEqual(await time("--image_size", "64"), { imageSize: 64, numClasses: 1000 });
});
