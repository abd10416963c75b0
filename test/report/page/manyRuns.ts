import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { htmlPage } from "#pefd/report/page/htmlPage.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { publishedFigure, writeRun } from "../fakeRuns.js";

const METHODS = ["ours", "kd", "similarity", "attention", "correlation", "crd+kd"];

/** A pair with long names, methods with terms, an ablation and an unfinished run: whatever makes labels long. */
export async function writeManyRuns(dir: string): Promise<void> {
  const pair = { model: "ShuffleV2_1_5", model_s: "ShuffleV2_1_5", model_t: "wrn_40_2" };
  for (const [index, distill] of METHODS.entries()) {
    for (const trial of [1, 2, 3]) {
      const config = { ...pair, distill, gamma: 0.1, beta: 12_345.678 };
      const run = { trial, epochs: 60, height: 60 + 3 * index, stepMs: 10 + 7 * index, config };
      await writeRun(dir, `${distill}_${trial}`, {
        ...run,
        terms: ["ce", `${distill.slice(0, 3)}_term`],
      });
    }
  }
  for (const num_proj of [1, 2, 4]) {
    const config = { num_proj, lr_decay_epochs: [150, 180, 210, 225, 230, 235] };
    await writeRun(dir, `projectors_${num_proj}`, { epochs: 60, height: 70 + num_proj, config });
  }
  await writeRun(dir, "unfinished", {
    trial: 4,
    epochs: 60,
    done: 12,
    config: { note: "x".repeat(60) },
  });
}

/** Writes a page of such runs, and gives its path. */
export async function writeManyPage(dir: string): Promise<string> {
  await writeManyRuns(join(dir, "runs"));
  const found = collectRuns([join(dir, "runs")]);
  const summaries = summarize(found.runs, () => publishedFigure(75.12, "RepDistiller"));
  const file = join(dir, "report.html");
  writeFileSync(file, htmlPage(summaries, found, new Date("2026-01-02T03:04:05Z")));
  return file;
}
