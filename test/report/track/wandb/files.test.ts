import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { trackRun } from "#pefd/report/track/trackRun.js";
import { wandbFiles } from "#pefd/report/track/wandb/files.js";
import { decoded } from "#pefd/report/track/wandb/records.js";
import { recordsOf } from "#pefd/report/track/wandb/transactionLog.js";
import { readTracked, writeTracked } from "#pefd/runFiles/tracked.js";
import { temporaryFolder } from "../../../helpers/temporaryFolder.js";
import { writeRun } from "../../fakeRuns.js";

/** The only run's file in a folder. */
function fileIn(dir: string): string {
  const runs = readdirSync(join(dir, "wandb"));
  assert.equal(runs.length, 1, runs.join());
  const [run = ""] = runs;
  assert.match(run, /^offline-run-\d{8}_\d{6}-[a-z0-9]{8}$/);
  const file = `run-${run.slice(-8)}.wandb`;
  assert.deepEqual(readdirSync(join(dir, "wandb", run)), [file]);
  return join(dir, "wandb", run, file);
}

/** What its records are, with the steps of history. */
const contentOf = (path: string) =>
  decoded(recordsOf(readFileSync(path)) ?? []).map(({ kind, step }) =>
    kind === "history" ? step : kind,
  );

describe("an offline run of W&B", () => {
  it("has the epochs, the latest values and the end, and goes on after a stop", async (t) => {
    const dir = temporaryFolder(t);
    const place = wandbFiles(join(dir, "wb"));
    const runDir = await writeRun(dir, "run", { epochs: 3, done: 2 });
    await trackRun(runDir, place, "RUNNING", "anew");
    const path = fileIn(join(dir, "wb"));
    assert.deepEqual(contentOf(path), ["header", "run", 1, 2, "summary"]);
    await trackRun(runDir, place, "KILLED");
    assert.deepEqual(contentOf(path), ["header", "run", 1, 2, "summary", "exit"]);
    await writeRun(dir, "run", { epochs: 3 });
    await trackRun(runDir, place, "RUNNING", "again");
    await trackRun(runDir, place, "FINISHED");
    assert.equal(fileIn(join(dir, "wb")), path);
    assert.deepEqual(contentOf(path), ["header", "run", 1, 2, 3, "summary", "exit"]);
    await trackRun(runDir, place, "RUNNING", "anew");
    assert.equal(readdirSync(join(dir, "wb", "wandb")).length, 2);
  });

  it("does not double an epoch after a kill, and leaves a damaged file alone", async (t) => {
    const dir = temporaryFolder(t);
    const place = wandbFiles(join(dir, "wb"));
    const runDir = await writeRun(dir, "run", { epochs: 4, done: 2 });
    await trackRun(runDir, place, "RUNNING", "anew");
    const kept = readTracked(runDir, "wandb.json");
    assert.ok(kept.state === "whole");
    // Killed after epoch 2 was written, before the run's folder knew.
    await writeTracked(runDir, "wandb.json", { ...kept.content, epoch: 1 });
    await writeRun(dir, "run", { epochs: 4, done: 3 });
    await trackRun(runDir, place, "RUNNING", "again");
    const path = fileIn(join(dir, "wb"));
    assert.deepEqual(contentOf(path), ["header", "run", 1, 2, 3, "summary"]);
    const torn = readFileSync(path).subarray(0, -1);
    writeFileSync(path, torn);
    await writeRun(dir, "run", { epochs: 4 });
    await assert.rejects(trackRun(runDir, place, "RUNNING"), /run-.*\.wandb is damaged/);
    assert.deepEqual(readFileSync(path), torn);
  });
});
