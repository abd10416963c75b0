import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { executeSweep } from "#pefd/sweep/execute.js";
import type { SweepRun } from "#pefd/sweep/plan.js";
import { lockRunFolder } from "#pefd/train/claim/lock.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { complete, fakeProgram, fakeRuns, recorder } from "./fakePefd.js";

const calls = (folder: string): string[] =>
  existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8").trim().split("\n") : [];

const settings = (jobs = 1, gpus: readonly string[] = []) => ({
  jobs,
  gpus,
  signal: new AbortController().signal,
});

test("complete runs are skipped, the others are run in order", async (t) => {
  const folder = temporaryFolder(t);
  const runs = await fakeRuns(folder);
  complete(runs[1] as SweepRun);
  const program = fakeProgram(folder, runs, {});
  const { observer } = recorder();
  const outcomes = await executeSweep(runs, { ...settings(), program, observer });
  assert.deepEqual(
    outcomes.map(({ state }) => state),
    ["done", "skipped", "done", "done"],
  );
  assert.deepEqual(calls(folder), ["1 -", "3 -", "4 -"]);
});

test("a crash is tried once more, wrong usage is not, and the other runs go on", async (t) => {
  const folder = temporaryFolder(t);
  const runs = await fakeRuns(folder);
  const program = fakeProgram(folder, runs, { 1: "crash once", 2: "usage", 3: "crash" });
  const { observer, notices } = recorder();
  const outcomes = await executeSweep(runs, { ...settings(), program, observer });
  assert.deepEqual(
    outcomes.map(({ state, reason }) => [state, reason]),
    [
      ["done", undefined],
      ["failed", "error: no such teacher"],
      ["failed", "killed by SIGKILL"],
      ["done", undefined],
    ],
  );
  assert.deepEqual(calls(folder), ["1 -", "1 -", "2 -", "3 -", "3 -", "4 -"]);
  assert.deepEqual(notices, Array(2).fill("crashed (killed by SIGKILL), retrying once"));
});

test("what runs warn of is told, once for all of them", async (t) => {
  const folder = temporaryFolder(t);
  const runs = await fakeRuns(folder);
  const program = fakeProgram(folder, runs, { 1: "warns", 3: "warns" });
  const { observer, notices } = recorder();
  const outcomes = await executeSweep(runs, { ...settings(), program, observer });
  assert.ok(outcomes.every(({ state }) => state === "done"));
  assert.deepEqual(notices, ["warning: THE GPU IS NOT USED: a reason."]);
});

test("jobs are spread over the GPUs", async (t) => {
  const folder = temporaryFolder(t);
  const runs = await fakeRuns(folder);
  const program = fakeProgram(folder, runs, {});
  await executeSweep(runs.slice(0, 2), {
    ...settings(2, ["5", "7"]),
    program,
    observer: recorder().observer,
  });
  assert.deepEqual(calls(folder).sort(), ["1 5", "2 7"]);
});

test("a run that names its GPU is left with all that are visible", async (t) => {
  const folder = temporaryFolder(t);
  const runs = (await fakeRuns(folder)).map((run) => {
    return { ...run, options: { ...run.options, gpu: 1 } };
  });
  const program = fakeProgram(folder, runs, {});
  const { observer } = recorder();
  await executeSweep(runs, { ...settings(2, ["0", "1"]), program, observer });
  assert.deepEqual(calls(folder).sort(), ["1 -", "2 -", "3 -", "4 -"]);
});

test("a run in which another process works is waited for, and done when that one completes it", async (t) => {
  const folder = temporaryFolder(t);
  const [run] = (await fakeRuns(folder)) as [SweepRun];
  mkdirSync(run.runDir, { recursive: true });
  const lock = lockRunFolder(run.runDir);
  const { observer, notices } = recorder(() => {
    complete(run);
    lock.release();
  });
  const program = fakeProgram(folder, [run], {});
  const [outcome] = await executeSweep([run], { ...settings(), program, observer });
  assert.equal(outcome?.state, "done");
  assert.match(notices[0] ?? "", /^already running in process \d+; waiting for it$/);
  assert.deepEqual(calls(folder), []);
});

test("a signal is passed on, and the sweep ends when the run has kept what is done", async (t) => {
  const folder = temporaryFolder(t);
  const runs = await fakeRuns(folder);
  const program = fakeProgram(folder, runs, { 1: "wait" });
  const controller = new AbortController();
  const { observer, ended } = recorder();
  const sweep = executeSweep(runs, {
    ...settings(),
    signal: controller.signal,
    program,
    observer,
  });
  const reason = new Error("stopped");
  while (!existsSync(join(folder, "ready"))) await sleep(20);
  controller.abort(reason);
  await assert.rejects(sweep, reason);
  assert.deepEqual(calls(folder), ["1 -", "kept"]);
  assert.deepEqual([ended.length, program.living.size], [0, 0]);
});
