import assert from "node:assert/strict";
import { test } from "node:test";
import { lastWords } from "#pefd/sweep/execute.js";

test("the last error is why a run ended, Slurm's own too", () => {
  assert.equal(lastWords("error: one\nerror: two\n  look elsewhere\n"), "error: two");
  const limit = "slurmstepd-n1: error: *** JOB 4 ON n1 CANCELLED DUE TO TIME LIMIT ***";
  assert.equal(lastWords(`epoch 1/9\n${limit}\nStopped by SIGTERM.\n  Resume with: pefd`), limit);
});

test("without an error it is the signal, else the last line that says something", () => {
  assert.equal(lastWords("Kept.\nStopped by SIGTERM.\n  Resume with: pefd"), "Stopped by SIGTERM.");
  assert.equal(lastWords("train error: 0.5\nSegmentation fault\n\n"), "Segmentation fault");
  assert.equal(lastWords("\n"), "no reason given");
});
