import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Finding } from "#pefd/analysis/analyze.js";
import { analysisPlot } from "#pefd/analysis/plot.js";
import type { RunRecord } from "#pefd/report/runs/runRecord.js";

/** A finding whose only measure is CKA; a run's folder is named by its number of projectors. */
function finding(checkpoint: string, epoch: number, projectors?: number): Finding {
  const setting = {
    teacherPath: "t",
    teacherModel: "resnet8",
    dataset: "cifar100",
    data: "data",
    limitTest: undefined,
  };
  const run = { dir: String(projectors), config: {}, trial: 1 } as unknown as RunRecord;
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
  const drawn = (epochs: number[]) =>
    analysisPlot(epochs.map((epoch) => finding(`ckpt_epoch_${epoch}`, epoch, 3)));
  const places = (svg: string) =>
    [...svg.matchAll(/transform="matrix\(3,0,0,3,(\d+),/g)].map(([, x]) => Number(x));
  const [left, right] = places(drawn([120, 240]));
  const [first, middle, last] = places(drawn([60, 120, 240])) as [number, number, number];
  assert.deepEqual([middle, last], [left, right], "on a line from 0 to the last epoch");
  assert.equal((last - first) / (middle - first), 3);
});

test("several runs are drawn by their last weights, over the number of projectors that varies", () => {
  const runs = [1, 2].flatMap((count) => [
    finding("m_best.safetensors", 7, count),
    finding("m_last.safetensors", 9, count),
  ]);
  assert.ok(
    textsOf(analysisPlot(runs)).includes("Student and teacher features by number of projectors"),
  );
  const lastOnly = runs.filter(({ subject }) => subject.checkpoint.includes("last"));
  assert.equal(analysisPlot(runs), analysisPlot(lastOnly));
});

test("runs without projectors stand side by side", () => {
  const kd = { ...finding("m_last.safetensors", 9, 1), projectors: undefined };
  const svg = analysisPlot([kd, finding("m_last.safetensors", 9, 3)]);
  assert.ok(textsOf(svg).includes("Student and teacher features by run"));
});

test("the drawing is as pinned: look at it before pinning another digest", () => {
  const runs = [1, 2, 4].flatMap((count) => [
    { ...finding("m_last.safetensors", 9, count), measures: { cka: 0.1 * count, mda: 0.9 } },
    { ...finding("m_last.safetensors", 9, count), measures: { cka: 0.2 * count, mda: 0.7 } },
  ]);
  const svg = analysisPlot(runs).replaceAll(/zr\d+/g, "zr");
  assert.equal(createHash("sha256").update(svg).digest("hex").slice(0, 16), "adaa283be5974f92");
});
