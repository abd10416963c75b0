import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import { drawPlots } from "#pefd/report/plots/plots.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { experimentLabels } from "#pefd/report/runs/labels.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { publishedFigure, writeRun } from "./fakeRuns.js";

// Strokes, sizes, distances and colours are nobody's number, but figures of a paper: none of them changes by mistake.
// Whoever changes one on purpose looks at the drawings (pefd report --svg) and pins the digests that this test tells.

const PINNED: Readonly<Record<string, string>> = {
  "final_top1 with legend": "217a2e36fe5a8a09",
  "ablation_beta_1 with legend": "cb9982f5438f0d47",
  "test_top1 with legend": "2ea0112f2bf15acb",
  "train_top1 with legend": "d64e0ccd23d029fb",
  "test_loss with legend": "bd86f69f3da9b372",
  "train_loss with legend": "787fac1d8a419cad",
  "learning_rate with legend": "35689861def724d2",
  final_top1: "217a2e36fe5a8a09",
  ablation_beta_1: "cb9982f5438f0d47",
  test_top1: "33ef653783bf41a1",
  train_top1: "5d927843dc43c0e3",
  test_loss: "51870fbd2e0d2434",
  train_loss: "611f7a5b072d5182",
  learning_rate: "96fd210e6869210a",
};

/** ECharts counts the drawings of a process. */
const digest = (svg: string): string =>
  createHash("sha256").update(svg.replaceAll(/zr\d+/g, "zr")).digest("hex").slice(0, 16);

it("the drawings are as pinned, with their legend and without", async (t) => {
  const dir = temporaryFolder(t);
  const top1 = (last: number) => [10, 30, 41.5, last];
  for (const [index, beta] of [1, 25, 50].entries()) {
    for (const trial of [1, 2]) {
      const run = { trial, top1: top1(60 + 2 * index + trial), config: { beta } };
      await writeRun(dir, `run_${beta}_${trial}`, run);
    }
  }
  await writeRun(dir, "run_kd", { top1: top1(50), config: { distill: "kd" } });
  await writeRun(dir, "run_short", {
    top1: top1(50),
    done: 1,
    config: { distill: "kd", gamma: 2 },
  });
  const summaries = summarize(collectRuns([dir]).runs, () => publishedFigure(66.6, "TTM"));
  const labels = experimentLabels(summaries);
  const drawn = [true, false].flatMap((legend) =>
    drawPlots(summaries, labels, { legend }).map(({ name, svg }) => [
      `${name}${legend ? " with legend" : ""}`,
      digest(svg),
    ]),
  );
  assert.deepEqual(Object.fromEntries(drawn), PINNED);
});
