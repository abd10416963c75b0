import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Finding } from "#pefd/analysis/analyze.js";
import { analysisPlot } from "#pefd/analysis/plot.js";
import type { RunRecord } from "#pefd/report/runs/runRecord.js";

/** What a made up run is; a run's folder is named by its number of projectors. */
interface Made {
  readonly trial?: number;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly method?: string;
}

const runs = new Map<string, RunRecord>();

function runOf(projectors: number | undefined, { trial = 1, config = {}, method }: Made): RunRecord {
  const dir = [projectors, trial, method, JSON.stringify(config)].join(" ");
  const made = {
    dir,
    kind: "distill",
    model: "resnet8",
    teacher: "resnet20",
    method,
    trial,
    epochs: 240,
    rows: [],
    finished: false,
    result: undefined,
    failure: undefined,
    updatedAt: 0,
    config: { ...(projectors === undefined ? {} : { num_proj: projectors }), ...config },
  } as RunRecord;
  const run = runs.get(dir) ?? made;
  runs.set(dir, run);
  return run;
}

/** A finding whose only measure is CKA. */
function finding(checkpoint: string, epoch: number, projectors?: number, made: Made = {}): Finding {
  const setting = {
    teacherPath: "t",
    teacherModel: "resnet8",
    dataset: "cifar100",
    data: "data",
    limitTest: undefined,
  };
  const run = runOf(projectors, made);
  const subject = { ...setting, checkpoint, model: "resnet8", run };
  return { subject, epoch, projectors, n: 1, measures: { cka: 0.2 + epoch / 1000 } };
}

const textsOf = (svg: string) => [...svg.matchAll(/>([^<>]+)<\/text>/g)].map(([, text]) => text);

test("one run is drawn over its epochs", () => {
  const epochs = [40, 80, 240].map((epoch) => finding(`ckpt_epoch_${epoch}`, epoch, 3));
  const texts = textsOf(analysisPlot(epochs));
  assert.ok(texts.includes("Student and teacher features by epoch"));
  assert.ok(texts.includes("240"));
});

test("epochs stand as far from each other as they are, even two", () => {
  const drawn = (epochs: number[]) => analysisPlot(epochs.map((epoch) => finding(`ckpt_epoch_${epoch}`, epoch, 3)));
  const places = (svg: string) => [...svg.matchAll(/transform="matrix\(3,0,0,3,([\d.]+),/g)].map(([, x]) => Number(x));
  const [left, right] = places(drawn([120, 240]));
  const [first, middle, last] = places(drawn([60, 120, 240])) as [number, number, number];
  assert.deepEqual(
    [middle, last].map(Math.round),
    [left, right].map((x) => Math.round(x ?? 0)),
    "on a line from 0 to the last epoch",
  );
  assert.ok(Math.abs((last - first) / (middle - first) - 3) < 1e-3);
});

test("several runs are drawn by their last weights, over the number of projectors that varies", () => {
  const runs = [1, 2].flatMap((count) => [
    finding("m_best.safetensors", 7, count),
    finding("m_last.safetensors", 9, count),
  ]);
  assert.ok(textsOf(analysisPlot(runs)).includes("Student and teacher features by number of projectors"));
  const lastOnly = runs.filter(({ subject }) => subject.checkpoint.includes("last"));
  assert.equal(analysisPlot(runs), analysisPlot(lastOnly));
});

test("runs without projectors stand side by side", () => {
  const kd = { ...finding("m_last.safetensors", 9, 1), projectors: undefined };
  const svg = analysisPlot([kd, finding("m_last.safetensors", 9, 3)]);
  assert.ok(textsOf(svg).includes("Student and teacher features by run"));
});

/** Points of every line that is drawn, two or more. */
const joined = (svg: string): number =>
  [...svg.matchAll(/<path d="M[\d.]+ [\d.]+(L[^"Z]+)" fill="none" stroke="#(?:0b62ad|c84a00|007d5b|9c3a8a)"/g)].length;

test("a line joins what differs in the number of projectors only; a key tells unrelated runs apart", () => {
  const last = (projectors: number, method: string) => finding("m_last.safetensors", 9, projectors, { method });
  const two = analysisPlot([last(1, "ours"), last(3, "ours"), last(1, "simkd"), last(3, "simkd")]);
  assert.equal(joined(two), 2, "one for each method");
  for (const name of ["ours", "simkd"]) assert.ok(textsOf(two).includes(name), name);
  const apart = analysisPlot([last(1, "ours"), last(3, "simkd")]);
  assert.equal(joined(apart), 0);
});

test("runs side by side are joined by nothing, and numbered in a key", () => {
  const kd = { ...finding("m_last.safetensors", 9, 1, { method: "kd" }), projectors: undefined };
  const svg = analysisPlot([kd, finding("m_last.safetensors", 9, 3, { method: "ours", trial: 2 })]);
  assert.equal(joined(svg), 0);
  assert.ok(textsOf(svg).includes("1: kd, trial 1; 2: ours, trial 2"), textsOf(svg).join(" | "));
});

test("the drawing is as pinned: look at it before pinning another digest", () => {
  const runs = [1, 2, 4].flatMap((count) => [
    { ...finding("m_last.safetensors", 9, count), measures: { cka: 0.1 * count, mda: 0.9 } },
    { ...finding("m_last.safetensors", 9, count), measures: { cka: 0.2 * count, mda: 0.7 } },
  ]);
  const svg = analysisPlot(runs).replaceAll(/zr\d+/g, "zr");
  assert.equal(createHash("sha256").update(svg).digest("hex").slice(0, 16), "29a9aeec98c98693");
});
