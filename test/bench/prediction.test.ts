import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { pefd } from "../helpers/pefd.js";
import { missingPython, PYTHON } from "../helpers/python.js";

interface Row {
  readonly what: string;
  readonly program: string;
  readonly engine: string;
  readonly precision: string;
  readonly batchSize: number;
  readonly stepMs: number;
  readonly imagesPerSecond: number;
}

const TINY = ["--what", "predict", "--model_s", "resnet8", "--repeats", "1", "--batch_size", "3"];
const THREADS = [...new Set([1, availableParallelism()])];

async function timed(python: string): Promise<{ readonly results: readonly Row[]; readonly stderr: string }> {
  const { exitCode, stdout, stderr } = await pefd(["bench", ...TINY, "--json"], { env: { PEFD_PYTHON: python } });
  assert.equal(exitCode, 0, stderr);
  const { results } = JSON.parse(stdout) as { results: Row[] };
  for (const { batchSize, stepMs, imagesPerSecond } of results) {
    assert.ok(stepMs > 0 && Math.abs(imagesPerSecond * stepMs - 1000 * batchSize) < 1e-6 * 1000 * batchSize);
  }
  return { results, stderr };
}

const rowOf = ({ what, engine, precision, batchSize }: Row): string => `${what}: ${engine} ${precision} ${batchSize}`;

/** What one program is timed with. */
const expected = (settings: readonly string[], batches: readonly number[]): string[] =>
  THREADS.flatMap((threads) =>
    settings.flatMap((setting) =>
      batches.map((batch) => `predict resnet8, ${threads} thread${threads === 1 ? "" : "s"}: ${setting} ${batch}`),
    ),
  ).sort();

const rowsOf = (results: readonly Row[], name: string): string[] =>
  results
    .filter(({ program }) => program === name)
    .map(rowOf)
    .sort();

test("predictions are timed with one and all threads; without ONNX Runtime it says what to install", async () => {
  const { results, stderr } = await timed("/nowhere/python");
  assert.deepEqual(rowsOf(results, "pefd"), expected(["eager float32", "graph float32"], [1, 3]));
  assert.equal(results.length, 4 * THREADS.length);
  assert.match(stderr, /onnxruntime is not timed[\s\S]*\/nowhere\/python/);
});

test("ONNX Runtime is timed in float32 and int8", { skip: missingPython("onnxruntime", "numpy") }, async () => {
  const { results } = await timed(PYTHON);
  assert.deepEqual(rowsOf(results, "onnxruntime"), expected(["cpu float32", "cpu int8"], [1, 3]));
});

test("predictions are timed on their own", async () => {
  const { exitCode, stderr } = await pefd(["bench", "--what", "predict,evaluate"]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /--what predict cannot be combined with others/);
});
