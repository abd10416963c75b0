import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { htmlPage } from "#pefd/report/page/htmlPage.js";
import { type Point, thinned } from "#pefd/report/plots/plotData.js";
import { drawPlots } from "#pefd/report/plots/plots.js";
import { experimentLabels } from "#pefd/report/runs/labels.js";
import type { RunRecord } from "#pefd/report/runs/runRecord.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { runTable, summaryTable } from "#pefd/report/summaryTable.js";
import type { Column } from "#pefd/report/table.js";
import { curveRow } from "../fakeRuns.js";

const EPOCHS = 240;

/** Runs as their folders would tell them, five to an experiment; one test accuracy of the first is a spike. */
function madeUp(count: number): RunRecord[] {
  return Array.from({ length: count }, (_, run) => {
    const [trial, beta] = [1 + (run % 5), 1 + Math.floor(run / 5)];
    const rows = Array.from({ length: EPOCHS }, (_, at) => curveRow(at + 1, EPOCHS, run));
    const spike = rows[100];
    if (run === 0 && spike) rows[100] = { ...spike, test: { ...spike.test, top1: 99.5 } };
    const config = { kind: "distill", batch_size: 64, momentum: 0.9, beta, trial, epochs: EPOCHS };
    return {
      dir: `save/run_${run}`,
      kind: "distill",
      model: "resnet8x4",
      teacher: "resnet32x4",
      method: "kd",
      trial,
      epochs: EPOCHS,
      rows,
      finished: true,
      config,
      result: undefined,
      failure: undefined,
      updatedAt: 0,
    } as RunRecord;
  });
}

const pageOf = (runs: readonly RunRecord[]) => htmlPage(summarize(runs), { runs, problems: [] }, new Date(0));

const NOTE = /Curves are downsampled/;

describe("a page of many runs", () => {
  const runs = madeUp(600);
  const html = pageOf(runs);

  it("has at most 7 MB for 600 runs of 240 epochs, and says that its curves are thinned", () => {
    assert.ok(html.length < 7_000_000, `${html.length} bytes`);
    assert.match(html, NOTE);
    assert.doesNotMatch(pageOf(runs.slice(0, 20)), NOTE);
  });

  it("has the tables of whole runs: every best epoch, the spike's, too", () => {
    const summaries = summarize(runs);
    const cells = [...html.matchAll(/<td[^>]*>(?:<svg.*?<\/svg>)?(?:<b>)?([^<]*)(?:<\/b>)?<\/td>/g)].map(
      ([, it]) => it,
    );
    for (const table of [summaryTable(summaries), runTable(summaries, experimentLabels(summaries))]) {
      const shared = table.columns.filter(
        ({ pinned }, at) => !pinned && new Set(table.rows.map((row) => row[at])).size === 1,
      );
      for (const { title } of shared) assert.match(html, new RegExp(`In every row: .*${title}`));
      const own = table.rows.map((row) => row.filter((_, at) => !shared.includes(table.columns[at] as Column)));
      for (const row of own) for (const cell of row) assert.ok(cells.includes(cell), cell);
    }
    assert.ok(cells.includes("99.50"));
  });

  it("draws the spike of a single epoch, and says what all experiments share once", () => {
    const summaries = summarize(runs);
    const plots = drawPlots(summaries, experimentLabels(summaries), { legend: false });
    const svg = plots.find(({ name }) => name === "test_top1")?.svg ?? "";
    const [, path = ""] = /<path class="r r0" d="M([^"]*)"/.exec(svg) ?? [];
    const heights = path.split("L").map((point) => Number(point.split(" ")[1]));
    assert.ok(heights.length < 60, `${heights.length} points`);
    const all = [...svg.matchAll(/<path class="r r\d+" d="M([^"]*)"/g)].flatMap(([, d = ""]) =>
      d.split("L").map((point) => Number(point.split(" ")[1])),
    );
    // Pixels count from above.
    assert.equal(Math.min(...heights), Math.min(...all));
    assert.equal(html.match(/<th scope="row">momentum<\/th>/g)?.length, 1);
  });
});

describe("a thinned curve", () => {
  const points = Array.from(
    { length: 2000 },
    (_, at): Point => [at + 1, at === 1234 ? 99 : at === 77 ? -5 : 50 + Math.sin(at) + at / 1000],
  );

  it("keeps first, last, and the least and the greatest of each span", () => {
    const kept = thinned(points, 20);
    assert.ok(kept.length <= 42, `${kept.length} points`);
    assert.deepEqual([kept[0], kept.at(-1)], [points[0], points.at(-1)]);
    assert.ok(kept.every((point, at) => points.includes(point) && point[0] > (kept[at - 1]?.[0] ?? 0)));
    for (let span = 0; span < 20; span++) {
      const own = points.slice(100 * span, 100 * (span + 1)).map(([, value]) => value);
      const left = kept.filter(([epoch]) => epoch > 100 * span && epoch <= 100 * (span + 1));
      const values = left.map(([, value]) => value);
      assert.deepEqual([Math.min(...values), Math.max(...values)], [Math.min(...own), Math.max(...own)]);
    }
  });

  it("is the curve itself where it has few points", () => {
    assert.equal(thinned(points.slice(0, 40), 20).length, 40);
    assert.deepEqual(thinned([], 20), []);
  });
});
