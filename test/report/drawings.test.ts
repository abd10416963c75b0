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
  "final_top1 with legend": "c2454f69cc44be48",
  "ablation_beta_1 with legend": "cb9982f5438f0d47",
  "test_top1 with legend": "da944a60d4e68d1a",
  "train_top1 with legend": "2bb9c0d75c4d2ece",
  "test_loss with legend": "5f96a186c29c1aca",
  "train_loss with legend": "cf65594ba839a4b5",
  "learning_rate with legend": "fbaf3f630273ff34",
  final_top1: "c2454f69cc44be48",
  ablation_beta_1: "cb9982f5438f0d47",
  test_top1: "d4f4109abefdcc69",
  train_top1: "755e4e785476807d",
  test_loss: "4609e3ab9521eb1d",
  train_loss: "020d01c13c0cc9b9",
  learning_rate: "f227fa533022aadf",
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
  const summaries = summarize(collectRuns([dir]).runs, () => ({
    top1: 66.6,
    source: "TTM",
    epochs: 240,
  }));
  const labels = experimentLabels(summaries);
  const drawn = [true, false].flatMap((legend) =>
    drawPlots(summaries, labels, { legend }).map(({ name, svg }) => [
      `${name}${legend ? " with legend" : ""}`,
      digest(svg),
    ]),
  );
  assert.deepEqual(Object.fromEntries(drawn), PINNED);
});
