import assert from "node:assert/strict";
import { test } from "node:test";
import { costPlot, edgeOf, findCosts } from "#pefd/report/plots/costPlot.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../fakeRuns.js";

test("accuracy over cost is drawn for pairs with three methods or more; the edge is what none beats in both", async (t) => {
  const dir = temporaryFolder(t);
  const add = (distill: string, top1: number, stepMs: number, more: object = {}) =>
    writeRun(dir, `${distill}_${top1}`, { top1: [top1], stepMs, config: { distill, ...more } });
  await add("kd", 70, 100);
  await add("ours", 72, 110);
  await add("crd", 71, 150);
  await add("dkd", 73, 110);
  await add("rkd", 60, 50, { model_t: "resnet56" });
  const costs = findCosts(summarize(collectRuns([dir]).runs));
  assert.deepEqual(
    costs.map(({ pair, summaries }) => [pair, summaries.length]),
    [["resnet32x4 → resnet8x4", 4]],
  );
  const [found] = costs;
  assert.ok(found);
  assert.deepEqual(
    edgeOf(found.summaries).map(({ method }) => method),
    ["kd", "dkd"],
  );
  const { svg, kind } = costPlot(found, "cost_1", () => 0);
  assert.equal(kind, "cost");
  for (const name of ["kd", "ours", "crd", "dkd"]) assert.match(svg, new RegExp(`>${name}<`));
  assert.doesNotMatch(svg, /<script/);
});
