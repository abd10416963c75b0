import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import { drawPlots } from "#pefd/report/plots/plots.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { experimentLabels } from "#pefd/report/runs/labels.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { writeRun } from "./fakeRuns.js";

// Strokes, sizes, distances and colours are nobody's number, but figures of a paper: none of them changes by mistake.
// Whoever changes one on purpose looks at the drawings (pefd report --svg) and pins the digests that this test tells.

const PINNED: Readonly<Record<string, string>> = {
  "final_top1 with legend": "3ac4a68d25fabf98",
  "ablation_beta_1 with legend": "348bdf471b133d13",
  "test_top1 with legend": "1c5064c4284d5bd8",
  "train_top1 with legend": "67330bb53325452e",
  "test_loss with legend": "7ff0571f5600c90d",
  "train_loss with legend": "f8c441e37ab1338c",
  "learning_rate with legend": "0d9351593688453d",
  final_top1: "3ac4a68d25fabf98",
  ablation_beta_1: "348bdf471b133d13",
  test_top1: "4cbe1966e7b0be59",
  train_top1: "c8205f5a1c421109",
  test_loss: "d9b2f758a09f87b0",
  train_loss: "2bc4753bba875d2f",
  learning_rate: "a43a8710a0854979",
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
  const summaries = summarize(collectRuns([dir]).runs, () => ({ top1: 66.6, source: "TTM" }));
  const labels = experimentLabels(summaries);
  const drawn = [true, false].flatMap((legend) =>
    drawPlots(summaries, labels, { legend }).map(({ name, svg }) => [
      `${name}${legend ? " with legend" : ""}`,
      digest(svg),
    ]),
  );
  assert.deepEqual(Object.fromEntries(drawn), PINNED);
});
