import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { rankings, twoSided, welchTest } from "#pefd/report/runs/ranking.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { summaryNotes, summaryTable } from "#pefd/report/summaryTable.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../fakeRuns.js";

const near = (actual: number | undefined, expected: number, digits = 4) =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 10 ** -digits, `${actual}, not ${expected}`);

describe("Welch's t-test", () => {
  it("has Student's tails, as tables have them", () => {
    near(twoSided(12.706, 1), 0.05);
    near(twoSided(2.228, 10), 0.05);
    near(twoSided(-2.228, 10), 0.05);
    near(twoSided(2.576, 1e6), 0.01);
    assert.equal(twoSided(0, 5), 1);
  });

  it("gives the p value of Welch's own kind of samples, and none of a single value", () => {
    // Ruxton, Behavioral Ecology 2006, has the formula; worked out by hand: t = -2.4495, 2.9412 degrees of freedom.
    const [a, b] = [
      [1, 2, 3],
      [3, 4, 5, 8],
    ];
    const t = (2 - 5) / Math.sqrt(1 / 3 + 14 / 3 / 4);
    const freedom = (1 / 3 + 7 / 6) ** 2 / ((1 / 3) ** 2 / 2 + (7 / 6) ** 2 / 3);
    near(welchTest(a as number[], b as number[]), twoSided(t, freedom), 12);
    assert.equal(welchTest([1], [2, 3]), undefined);
    assert.equal(welchTest([1, 1], [1, 1]), 1);
    assert.equal(welchTest([1, 1], [2, 2]), 0);
  });
});

/** Runs of a method, one for each accuracy; all of one epoch. */
async function write(
  dir: string,
  distill: string,
  accuracies: readonly number[],
  config: Readonly<Record<string, unknown>> = {},
) {
  for (const [i, top1] of accuracies.entries()) {
    const name = [distill, i, ...Object.values(config)].join("_");
    await writeRun(dir, name, { trial: i + 1, top1: [top1], config: { distill, ...config } });
  }
}

async function ranked(t: TestContext, make: (dir: string) => Promise<void>) {
  const dir = temporaryFolder(t);
  await make(dir);
  const summaries = summarize(collectRuns([dir]).runs);
  const ranks = rankings(summaries);
  const told = summaries.map((summary) => [summary.method, ranks.get(summary)?.place] as const);
  return { summaries, ranks, places: Object.fromEntries(told) };
}

describe("ranks", () => {
  it("are by the mean after the last epoch, marked where the first cannot be told apart", async (t) => {
    const { summaries, places } = await ranked(t, async (dir) => {
      await write(dir, "kd", [70, 70.2, 70.1]);
      await write(dir, "ours", [72, 73, 72.5]);
      await write(dir, "dkd", [72.2, 72.9, 72.7]);
    });
    assert.deepEqual(places, { kd: 3, ours: 2, dkd: 1 });
    const { columns, rows } = summaryTable(summaries);
    const at = columns.findIndex(({ title }) => title === "Rank");
    const cells = rows.map((row) => [row[2], row[at]]);
    assert.deepEqual(Object.fromEntries(cells), { dkd: "1", kd: "3", ours: "2 =" });
    assert.match(summaryNotes(summaries).join("\n"), /two-sided Welch's t-test over trials, p >= 0\.05/);
  });

  it("are of one pair, of the same epochs and images; alone nothing has a rank", async (t) => {
    const { ranks, places } = await ranked(t, async (dir) => {
      await write(dir, "kd", [70, 71]);
      await write(dir, "ours", [72, 73]);
      await write(dir, "dkd", [79, 79.1], { limit_train: 100 });
      await write(dir, "rkd", [79, 79.1], { model_t: "resnet56" });
    });
    assert.deepEqual(places, { kd: 2, ours: 1, dkd: undefined, rkd: undefined });
    assert.equal(ranks.size, 2);
  });

  it("count the epochs of a method's first phase apart", async (t) => {
    const { places } = await ranked(t, async (dir) => {
      await write(dir, "kd", [70, 71]);
      const config = { distill: "abound", init_epochs: 2 };
      await writeRun(dir, "abound", { top1: [1, 2, 75], config });
    });
    assert.deepEqual(places, { kd: 2, abound: 1 });
  });

  it("of single trials are not tested, and the notes say so", async (t) => {
    const { summaries, ranks } = await ranked(t, async (dir) => {
      await write(dir, "kd", [70]);
      await write(dir, "ours", [72]);
    });
    assert.ok([...ranks.values()].every(({ p }) => p === undefined));
    assert.match(summaryNotes(summaries).join("\n"), /needs two finished trials/);
  });
});
