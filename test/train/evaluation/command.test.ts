import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import type { EvalOptions } from "#pefd/config/options.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { runEvaluations } from "#pefd/train/evaluate.js";
import { formulaState } from "../../helpers/formula.js";
import { pefd } from "../../helpers/pefd.js";
import { lacksBfloat16 } from "../../helpers/processor.js";

const cwd = mkdtempSync(join(tmpdir(), "pefd-eval-"));
const COMMON = ["--data", "data", "--engine", "eager"];
after(() => rmSync(cwd, { recursive: true }));
before(async () => {
  await CIFAR100.synthesize(join(cwd, "data"), { train: 100, test: 100, seed: 1 });
  await writeCheckpoint(join(cwd, "resnet8x4_last.safetensors"), formulaState("resnet8x4"));
  await writeCheckpoint(join(cwd, "student.pth"), formulaState("resnet8x4"), {
    model: "resnet8x4",
  });
});

async function evaluate(...args: string[]) {
  const ended = await pefd(["eval", ...args, ...COMMON], { cwd });
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended.stdout;
}

test("every format of one checkpoint evaluates to the same figures, several at once", async () => {
  const converted = await pefd(["convert", "student.pth", "served/"], { cwd });
  assert.equal(converted.exitCode, 0, converted.stderr);
  const files = ["resnet8x4_last.safetensors", "student.pth", "served"];
  const flags = files.flatMap((file) => ["--checkpoint", file]);
  const results = JSON.parse(await evaluate(...flags, "--json", "--per_class", "classes.csv")) as {
    checkpoint: string;
    top1: number;
    loss: number;
    perClass: { correct: number }[];
  }[];
  assert.deepEqual(
    results.map(({ checkpoint }) => checkpoint),
    files,
  );
  for (const { top1, loss, perClass } of results) {
    assert.deepEqual([top1, loss], [results[0]?.top1, results[0]?.loss]);
    const right = perClass.reduce((sum, { correct }) => sum + correct, 0);
    assert.ok(Math.abs(right - top1) < 1e-4, "of 100 images, each class's own add up to top-1");
  }
  const lines = readFileSync(join(cwd, "classes.csv"), "utf8").trimEnd().split("\n");
  assert.equal(lines.length, 1 + 3 * 100);
  const name = readFileSync(join(cwd, "data/fine_label_names.txt"), "utf8").split("\n")[0];
  assert.match(lines[1] as string, new RegExp(`^resnet8x4_last.safetensors,0,${name},1,[01],`));
});

test("all checkpoints are read before the first is evaluated, and each is told how far it is", async () => {
  const evaluation = (checkpoint: string, model: string): EvalOptions => ({
    checkpoint: join(cwd, checkpoint),
    model,
    data: join(cwd, "data"),
    limit_test: undefined,
    skip_list: undefined,
    image_size: undefined,
    data_budget_mb: undefined,
    num_workers: 0,
    no_cache: true,
    gpu: undefined,
    dataset: "cifar100",
    engine: "eager",
    precision: "float32",
  });
  const good = evaluation("student.pth", "resnet8x4");
  const told: [number, number][] = [];
  const hooks = {
    env: {},
    onProgress: (_: string, images: number, total: number) => told.push([images, total]),
  };
  const missing = evaluation("nowhere.pth", "resnet8x4");
  await assert.rejects(runEvaluations([good, missing], hooks), /There is no file .*nowhere\.pth/);
  const other = evaluation("student.pth", "resnet20");
  await assert.rejects(runEvaluations([good, other], hooks), /student\.pth .*resnet20/);
  assert.deepEqual(told, []);
  await runEvaluations([good], hooks);
  assert.deepEqual(told.at(-1), [100, 100]);
  assert.ok(told.length > 1);
});

test("for people: a table of several, the classes at both ends, and what was written", async () => {
  const both = ["--checkpoint", "student.pth", "--checkpoint", "resnet8x4_last.safetensors"];
  const text = await evaluate(...both, "--per_class", "again.csv");
  assert.match(text, /^checkpoint +model +images +top-1 %/);
  assert.match(text, /\nstudent\.pth +resnet8x4 +100 /);
  assert.match(text, /\nIn float32, eager engine, \S/);
  assert.match(text, /\nworst +\S+ +\d of 1 /);
  assert.match(text, /\nbest +\S+ +\d of 1 /);
  assert.match(text, /Written: again\.csv/);
});

test("float32 unless it is asked otherwise, and both are told", async (t) => {
  const one = ["--checkpoint", "student.pth", "--data", "data", "--engine", "graph"];
  const told = async (...words: string[]) => {
    const { stdout } = await pefd(["eval", ...one, ...words], { cwd });
    const document = await pefd(["eval", ...one, ...words, "--json"], { cwd });
    const { precision, device } = JSON.parse(document.stdout);
    assert.ok(stdout.includes(`${precision}, graph engine, ${device}`), stdout);
    return precision;
  };
  assert.equal(await told(), "float32");
  assert.equal(await told("--precision", "auto"), "float32");
  await t.test("bfloat16", { skip: lacksBfloat16 }, async () => {
    assert.equal(await told("--precision", "bfloat16"), "bfloat16");
  });
});

test("--confusion writes what its ending names, and refuses others before any work", async () => {
  const one = ["--checkpoint", "student.pth"];
  await evaluate(...one, "--confusion", "matrix.csv");
  const rows = readFileSync(join(cwd, "matrix.csv"), "utf8").trimEnd().split("\n");
  assert.equal(rows.length, 101);
  const sum = (row: string) =>
    row
      .split(",")
      .slice(1)
      .reduce((total, cell) => total + Number(cell), 0);
  assert.ok(
    rows.slice(1).every((row) => sum(row) === 1),
    "one image of each class",
  );
  await evaluate(...one, "--confusion", "matrix.svg");
  assert.match(readFileSync(join(cwd, "matrix.svg"), "utf8"), /^<svg [\s\S]*<\/svg>\n$/);
  for (const [args, sentence] of [
    [[...one, "--confusion", "matrix.png"], /matrix\.png must end in \.csv or \.svg/],
    [[...one, ...one, "--confusion", "two.csv"], /takes one checkpoint, not 2/],
  ] as const) {
    const { exitCode, stderr } = await pefd(["eval", ...args, ...COMMON], { cwd });
    assert.match(stderr, sentence);
    assert.equal(exitCode, 2);
  }
  assert.ok(!existsSync(join(cwd, "matrix.png")) && !existsSync(join(cwd, "two.csv")));
});
