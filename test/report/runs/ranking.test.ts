import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { rankings } from "#pefd/report/runs/ranking.js";
import { differenceOf, holm, studentQuantile, twoSided } from "#pefd/report/runs/statistics.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { summaryNotes, summaryTable } from "#pefd/report/summaryTable.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../fakeRuns.js";

const near = (actual: number | undefined, expected: number, digits = 4) =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 10 ** -digits, `${actual}, not ${expected}`);

/** Values of trials 1, 2, ..., or of trials from another on. */
const trials = (values: readonly number[], first = 1) => new Map(values.map((value, at) => [first + at, value]));

const A = [76.1, 75.8, 76.4, 75.9];
const OTHERS = [
  [75.2, 75.6, 75.5, 75.1],
  [74.0, 75.9, 76.3, 75.0],
  [76.0, 75.9, 76.2, 75.7],
];

describe("tests of a difference", () => {
  it("have Student's tails and quantiles, as tables have them", () => {
    near(twoSided(12.706, 1), 0.05);
    near(twoSided(2.228, 10), 0.05);
    near(twoSided(-2.228, 10), 0.05);
    near(twoSided(2.576, 1e6), 0.01);
    assert.equal(twoSided(0, 5), 1);
    near(studentQuantile(0.05, 3), 3.1824463052837078, 9);
    near(studentQuantile(0.4, 3), 0.9784723123633042, 9);
    near(studentQuantile(0.05, 1), 12.706204736174694, 9);
  });

  it("give scipy 1.17's p values and 95 % intervals: ttest_rel of the same trials, ttest_ind of others", () => {
    const paired = [
      [0.025285687269741296, -1.2356855362714174, -0.16431446372858827],
      [0.2299831357934801, -2.3385689003308796, 0.8385689003308796],
      [0.2522154963555268, -0.3250329363228247, 0.125032936322829],
    ];
    const welch = [
      [0.007850819514219896, -1.1366033587777502, -0.2633966412222556],
      [0.24060135636296684, -2.325042926761012, 0.8250429267610122],
      [0.5753108754673611, -0.5174677748693981, 0.3174677748694095],
    ];
    for (const [first, expected] of [[1, paired] as const, [5, welch] as const]) {
      for (const [at, [p, low, high]] of expected.entries()) {
        const found = differenceOf(trials(OTHERS[at] as number[], first), trials(A));
        near(found?.p, p as number, 9);
        near(found?.low, low as number, 9);
        near(found?.high, high as number, 9);
        assert.equal(found?.paired, first === 1);
      }
    }
  });

  it("need two values, and are certain where nothing varies", () => {
    assert.equal(differenceOf(trials([1]), trials([2, 3])), undefined);
    assert.equal(differenceOf(trials([1, 1]), trials([1, 1]))?.p, 1);
    assert.deepEqual(
      [differenceOf(trials([1, 1]), trials([2, 2]))].map((it) => [it?.p, it?.low, it?.high]),
      [[0, -1, -1]],
    );
  });

  it("are corrected by Holm's steps, in any order", () => {
    const [b, c, d] = holm([0.025285687269741296, 0.2299831357934801, 0.2522154963555268]);
    near(b, 0.07585706, 7);
    near(c, 0.45996627, 7);
    near(d, 0.45996627, 7);
    assert.deepEqual(holm([0.04, 0.01]), [0.04, 0.02]);
    assert.deepEqual(holm([]), []);
  });

  it("say how many trials have a power of 80 %, as the noncentral t of scipy 1.17 does, give or take one", () => {
    const expected = { paired: [5, 16, 18], welch: [4, 18, 90] };
    for (const [at, values] of OTHERS.entries()) {
      for (const [kind, first] of [
        ["paired", 1],
        ["welch", 5],
      ] as const) {
        const n = differenceOf(trials(values, first), trials(A))?.trialsAt(0.05) ?? Number.NaN;
        assert.ok(Math.abs(n - (expected[kind][at] as number)) <= 1, `${kind} ${at}: ${n}`);
      }
    }
    assert.equal(differenceOf(trials([1, 2]), trials([2, 1]))?.trialsAt(0.05), undefined);
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
    assert.match(summaryNotes(summaries).join("\n"), /a power of 80 %: ours \d+\./);
    assert.match(summaryNotes(summaries).join("\n"), /two-sided paired t-test .*Holm's correction .*p >= 0\.05/);
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
