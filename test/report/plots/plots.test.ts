import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { findAblations } from "#pefd/report/plots/ablation.js";
import { curveSet, QUANTITIES } from "#pefd/report/plots/plotData.js";
import { drawPlots } from "#pefd/report/plots/plots.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { experimentLabels } from "#pefd/report/runs/labels.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { type FakeRun, writeRun } from "../fakeRuns.js";

async function summariesOf(t: TestContext, runs: readonly FakeRun[]) {
  const dir = temporaryFolder(t);
  for (const [index, run] of runs.entries()) await writeRun(dir, `run_${index}`, run);
  return summarize(collectRuns([dir]).runs);
}

const testTop1 = QUANTITIES.filter(({ name }) => name === "test_top1");

describe("learning curves", () => {
  it("have the mean and one sample deviation at each epoch", async (t) => {
    const summaries = await summariesOf(t, [
      { trial: 1, top1: [10, 20] },
      { trial: 2, top1: [12, 26] },
    ]);
    const [set] = summaries.flatMap((s) => testTop1.map((quantity) => curveSet(s, quantity)));
    assert.deepEqual(set?.runs, [
      [
        [1, 10],
        [2, 20],
      ],
      [
        [1, 12],
        [2, 26],
      ],
    ]);
    const half = Math.SQRT2;
    assert.deepEqual(set?.mean, [
      { epoch: 1, mean: 11, low: 11 - half, high: 11 + half },
      { epoch: 2, mean: 23, low: 23 - 3 * half, high: 23 + 3 * half },
    ]);
  });

  it("do not let an unfinished run bend the mean, and leave out what is no number", async (t) => {
    const summaries = await summariesOf(t, [
      { trial: 1, top1: [10, Number.NaN, 20] },
      { trial: 2, top1: [90, 90, 90], done: 1 },
    ]);
    const [set] = summaries.flatMap((s) => testTop1.map((quantity) => curveSet(s, quantity)));
    assert.deepEqual(
      set?.mean.map(({ epoch, mean }) => [epoch, mean]),
      [
        [1, 10],
        [3, 20],
      ],
    );
    assert.deepEqual(set?.runs[1], [[1, 90]]);
  });
});

describe("an ablation", () => {
  const withKey = (key: string, values: readonly unknown[]) =>
    values.map((value) => ({ top1: [50], config: { [key]: value } }));

  it("is found where one number was varied, in its order", async (t) => {
    const summaries = await summariesOf(t, withKey("num_proj", [4, 0, 10]));
    const [ablation, ...more] = findAblations(summaries);
    assert.equal(more.length, 0);
    assert.equal(ablation?.key, "num_proj");
    assert.deepEqual(
      ablation?.summaries.map(({ settings }) => settings.num_proj),
      [0, 4, 10],
    );
  });

  it("may vary a weight", async (t) => {
    const summaries = await summariesOf(t, withKey("beta", [1, 25, 50]));
    assert.equal(findAblations(summaries)[0]?.key, "beta");
  });

  it("is not seen in two values, in names, or where two things changed", async (t) => {
    assert.deepEqual(findAblations(await summariesOf(t, withKey("num_proj", [1, 2]))), []);
    const names = ["float32", "bfloat16", "other"];
    assert.deepEqual(findAblations(await summariesOf(t, withKey("precision", names))), []);
    const both = [1, 2, 3].map((n) => ({ top1: [50], config: { num_proj: n, batch_size: n } }));
    assert.deepEqual(findAblations(await summariesOf(t, both)), []);
  });
});

describe("the plots", () => {
  it("are standing SVG documents with their own legend, and nothing but SVG in them", async (t) => {
    const summaries = await summariesOf(t, [
      { trial: 1, epochs: 24 },
      { trial: 2, epochs: 24 },
      { config: { note: "<b> & co" }, epochs: 24 },
    ]);
    const plots = drawPlots(summaries, experimentLabels(summaries), { legend: true });
    assert.deepEqual(
      plots.map(({ name }) => name),
      ["final_top1", "test_top1", "test_top1_end", "train_top1", "test_loss", "train_loss", "learning_rate"],
    );
    for (const { name, svg } of plots) {
      assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/, name);
      assert.match(svg, /&lt;b&gt; &amp; co/, name);
      assert.doesNotMatch(svg, /NaN|undefined|Infinity|<script|href=/, name);
    }
  });

  it("have no mean line of the accuracy where no run has finished, but curves", async (t) => {
    const summaries = await summariesOf(t, [{ epochs: 10, done: 3 }]);
    const names = drawPlots(summaries, ["ours"], { legend: false }).map(({ name }) => name);
    assert.ok(!names.includes("final_top1"));
    assert.ok(names.includes("test_top1"));
  });

  it("have axes with room for deviations that reach beyond the runs", async (t) => {
    const summaries = await summariesOf(t, [
      { trial: 1, top1: [21, 21] },
      { trial: 2, top1: [29, 29] },
    ]);
    // The mean is 25, its deviation 5.7: from 19.3 to 30.7.
    for (const { name, svg } of drawPlots(summaries, ["ours"], { legend: false })) {
      if (name !== "final_top1" && name !== "test_top1") continue;
      const numbers = [...svg.matchAll(/<text [^>]*>([\d.]+)<\/text>/g)].map(([, text]) => Number(text));
      assert.ok(
        numbers.some((value) => value >= 30.6),
        `${name}: ${numbers}`,
      );
      assert.ok(
        numbers.some((value) => value >= 10 && value <= 19.4),
        `${name}: ${numbers}`,
      );
    }
  });

  it("do not fail on runs of one epoch, or of none", async (t) => {
    const summaries = await summariesOf(t, [
      { epochs: 10, done: 0 },
      { epochs: 1, config: { distill: "kd" } },
    ]);
    for (const { svg } of drawPlots(summaries, ["a", "b"], { legend: true })) {
      assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
    }
  });
});
