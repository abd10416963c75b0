import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { shellWord } from "#pefd/common/text.js";
import { createSweepBars } from "#pefd/sweep/bars.js";
import type { SweepRun } from "#pefd/sweep/plan.js";
import { ROOT } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { screen } from "../report/live/screen.js";
import { fakeRuns } from "./fakePefd.js";
import { logEpochs } from "./logEpochs.js";

function barsOn(runs: readonly SweepRun[], columns: number) {
  const written: string[] = [];
  const clock = { seconds: 0 };
  const terminal = { write: (text: string) => written.push(text), rows: 24, columns };
  const bars = createSweepBars(runs, terminal, {
    columns: 80,
    color: false,
    now: () => clock.seconds,
  });
  return { bars, clock, shown: () => screen(written.join("")) };
}

test("each running run has one bar, the sweep one line below; what ended stays above", async (t) => {
  const runs = (await fakeRuns(temporaryFolder(t))) as [SweepRun, SweepRun, SweepRun];
  const [one, two, three] = runs;
  await logEpochs(one, 0, 240);
  await logEpochs(two, 0, 120);
  const { bars, clock, shown } = barsOn(runs, 100);
  bars.ended({ run: one, state: "skipped" });
  bars.started(two);
  bars.started(three);
  await logEpochs(two, 120, 132);
  clock.seconds = 24;
  bars.tick();
  const name = (trial: number) => `[${trial}/4] resnet14 -> resnet8x4, ours, trial ${trial}`;
  assert.deepEqual(shown(), [
    `${name(1)}: complete already`,
    `██████░░░░  55%  ${name(2)}  epoch 132/240  ETA 3 min 36 s`,
    `░░░░░░░░░░   0%  ${name(3)}  epoch 0/240`,
    // 12 epochs in 24 s; 108 of the second run and 240 of each of the others are left.
    "1 of 4 runs done; all done in about 19 min 36 s",
    "",
  ]);

  bars.ended({ run: three, state: "failed", reason: "no disk" });
  bars.notice(two, "crashed (ended by SIGKILL), retrying once");
  assert.deepEqual(shown().slice(1), [
    `${name(3)}: failed: no disk`,
    `${name(2)}: crashed (ended by SIGKILL), retrying once`,
    `██████░░░░  55%  ${name(2)}  epoch 132/240  ETA 3 min 36 s`,
    "1 of 4 runs done, 1 failed; all done in about 11 min 36 s",
    "",
  ]);
  bars.stop();
  assert.equal(shown().length, 4, "the bars are gone");
});

test("no line of the bars is wider than the terminal", async (t) => {
  const runs = await fakeRuns(temporaryFolder(t));
  const { bars, shown } = barsOn(runs, 50);
  for (const run of runs) bars.started(run);
  for (const line of shown()) assert.ok(line.length < 50, line);
  assert.match(shown()[0] ?? "", /^░{10} {3}0% {2}\[1\/4\] resnet14/);
});

const skip = spawnSync("script", ["--version"]).status === 0 ? false : "no script (util-linux)";

test("pefd sweep on a terminal draws bars, and leaves a line per run and the table", {
  skip,
}, async (t) => {
  const cwd = temporaryFolder(t);
  await pefd(["data", "synthesize", "--out", "data", "--train", "100", "--test", "100"], { cwd });
  const sweep = ["sweep", "--path_t", "none.pth", "--model_t", "resnet8", "--model_s", "resnet8"];
  const words = [process.execPath, join(ROOT, "bin/pefd.js"), ...sweep, "--data", "data"];
  const command = words.map(shellWord).join(" ");
  const { stdout, status } = spawnSync("script", ["-qec", command, "/dev/null"], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  assert.equal(status, 1);
  assert.match(stdout, /░{10} {3}0% {2}\[1\/1\] resnet8 -> resnet8, ours, trial 1/);
  const lasting = screen(stdout).join("\n");
  assert.match(lasting, /^\[1\/1\] resnet8 -> resnet8, ours, trial 1: failed: error: .*none\.pth/);
  assert.doesNotMatch(lasting, /░|runs done/);
});
