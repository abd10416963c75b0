import assert from "node:assert/strict";
import { test } from "node:test";
import { lastError } from "#pefd/sweep/execute.js";

test("the last error is why a run ended, Slurm's own too", () => {
  assert.equal(lastError("error: one\nerror: two\n  look elsewhere\n"), "error: two");
  const limit = "slurmstepd-n1: error: *** JOB 4 ON n1 CANCELLED DUE TO TIME LIMIT ***";
  assert.equal(lastError(`epoch 1/9\n${limit}\nStopped by SIGTERM.\n  Resume with: pefd`), limit);
});

test("without an error it is the signal, else the last line that says something", () => {
  assert.equal(lastError("Kept.\nStopped by SIGTERM.\n  Resume with: pefd"), "Stopped by SIGTERM.");
  assert.equal(lastError("train error: 0.5\nSegmentation fault\n\n"), "Segmentation fault");
  assert.equal(lastError("\n"), "no reason given");
});
