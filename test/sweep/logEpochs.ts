import { mkdirSync } from "node:fs";
import { openEpochLog } from "#pefd/report/log/epochLog.js";
import type { SweepRun } from "#pefd/sweep/plan.js";
import { curveRow } from "../report/fakeRuns.js";

/** Logs the epochs after `from` up to `to` in a run's folder. */
export async function logEpochs({ runDir }: SweepRun, from: number, to: number): Promise<void> {
  mkdirSync(runDir, { recursive: true });
  const log = await openEpochLog(runDir, { afterEpoch: from });
  for (let epoch = from + 1; epoch <= to; epoch++) log.append(curveRow(epoch, 240, 1));
  log.close();
}
