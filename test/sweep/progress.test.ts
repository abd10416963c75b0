import assert from "node:assert/strict";
import { test } from "node:test";
import type { SweepRun } from "#pefd/sweep/plan.js";
import { createSweepLines } from "#pefd/sweep/progress.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { fakeRuns } from "./fakePefd.js";
import { logEpochs } from "./logEpochs.js";

test("the time left is at the pace of the epochs done by this sweep", async (t) => {
  const runs = (await fakeRuns(temporaryFolder(t))).slice(0, 2) as [SweepRun, SweepRun];
  await logEpochs(runs[0], 0, 140);
  const lines: string[] = [];
  let seconds = 0;
  const progress = createSweepLines(
    runs,
    (line) => lines.push(line),
    () => seconds,
  );
  progress.started(runs[0]);
  progress.tick();
  seconds = 20;
  await logEpochs(runs[0], 140, 150);
  progress.tick();
  const [run] = runs;
  progress.ended({ run: runs[1], state: "failed", reason: "no disk" });
  progress.ended({ run, state: "done" });
  // What is written in a run's folder after its end is nothing to tell.
  await logEpochs(run, 150, 160);
  progress.tick();
  assert.deepEqual(lines, [
    `[1/2] ${run.label}: resuming after epoch 140`,
    // 10 epochs in 20 s; 90 and 240 are left.
    `[1/2] ${run.label}: epoch 150 of 240; all done in about 11 min`,
    `[2/2] ${runs[1].label}: failed: no disk; all done in about 3 min`,
    `[1/2] ${run.label}: done; all done in about 3 min`,
  ]);
});
