import assert from "node:assert/strict";
import { test } from "node:test";
import { checkEvaluationFiles, evaluationDocument, evaluationText } from "#pefd/cli/evaluation.js";
import type { DetailedEval } from "#pefd/train/evaluate.js";

/** Of two classes, three images each: 2 of "cat" and 3 of "dog" were right. */
const evaluated = (checkpoint: string): DetailedEval => ({
  result: {
    checkpoint,
    model: "resnet8",
    n: 6,
    top1: 83.3333,
    top5: 100,
    loss: 0.51234,
    imagesPerSecond: 99.6,
    engine: "graph",
    precision: "float32",
    device: "a CPU",
    tf32: false,
  },
  confusion: Float32Array.of(2, 1, 0, 3),
});

const NAMES = ["cat", "dog"];
const NONE = { per_class: undefined, confusion: undefined };
const CLASSES = { ...NONE, per_class: "classes.csv" };

test("one checkpoint is told in a paragraph", () => {
  assert.equal(
    evaluationText([evaluated("a.pth")], NAMES, NONE),
    [
      "a.pth (resnet8, 6 images)",
      "  top-1 83.33 %  top-5 100.00 %  loss 0.5123",
      "  100 images/s, float32, graph engine, a CPU",
      "",
      "Top-5 counts every image: there are 2 classes in all.",
    ].join("\n"),
  );
  const six = evaluationText([evaluated("a.pth")], [...NAMES, "a", "b", "c", "d"], NONE);
  assert.doesNotMatch(six, /Top-5 counts/);
});

test("several are told in a table, what computed them once below it", () => {
  const text = evaluationText([evaluated("a.pth"), evaluated("b.pth")], NAMES, NONE);
  assert.match(text, /^checkpoint +model +images +top-1 % +top-5 % +loss +images\/s\n-/);
  assert.match(text, /\na\.pth +resnet8 +6 +83\.33 +100\.00 +0\.5123 +100\nb\.pth/);
  assert.match(text, /\n\nIn float32, graph engine, a CPU\.\n/);
});

test("classes and written files are told where they were asked for", () => {
  const text = evaluationText([evaluated("a.pth")], NAMES, { ...CLASSES, confusion: "m.svg" });
  assert.match(text, /\n\na\.pth:\n[\s\S]*\bcat +2 of 3 [\s\S]*\bdog +3 of 3 /);
  assert.match(text, /\n\nWritten: classes\.csv, m\.svg$/);
});

test("for programs: one document for one checkpoint, a list for several, classes only if asked", () => {
  const [a, b] = [evaluated("a.pth"), evaluated("b.pth")];
  assert.deepEqual(evaluationDocument([a], NAMES, NONE), a.result);
  assert.deepEqual(evaluationDocument([a, b], NAMES, NONE), [a.result, b.result]);
  const { perClass } = evaluationDocument([a], NAMES, CLASSES) as { perClass: object[] };
  assert.deepEqual(
    perClass.map((row) => Object.values(row).slice(0, 4)),
    [
      [0, "cat", 3, 2],
      [1, "dog", 3, 3],
    ],
  );
});

test("files that could not be written as asked are refused before any work", () => {
  const asked = (confusion: string, count: number) => () => checkEvaluationFiles({ ...NONE, confusion }, count);
  assert.throws(asked("matrix.png", 1), { exitCode: 2, message: /\.csv or \.svg/ });
  assert.throws(asked("matrix.csv", 2), { exitCode: 2, message: /one checkpoint, not 2/ });
  for (const file of ["matrix.csv", "matrix.svg"]) assert.doesNotThrow(asked(file, 1));
  assert.doesNotThrow(() => checkEvaluationFiles(NONE, 5));
});
