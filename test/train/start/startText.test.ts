import assert from "node:assert/strict";
import { test } from "node:test";
import { startText } from "#pefd/train/prepare.js";

test("a run says what it goes on after, to the step", () => {
  const at = (epoch: number, step: number) => startText("run", { epoch, step }, { resume: true, steps: 4 });
  assert.equal(at(3, 0), "Resuming after epoch 3.");
  assert.equal(at(3, 1), "Resuming after epoch 3 and 1 step of epoch 4.");
  assert.equal(at(0, 2), "Resuming after 2 steps of epoch 1.");
  assert.equal(at(2, 4), "Resuming after epoch 2 and all 4 steps of epoch 3.");
  assert.equal(at(0, 0), "Resuming before the first step.");
});

test("--resume that finds nothing says so; a run that was started anew says nothing", () => {
  const start = (resume: boolean) => startText("save/run", undefined, { resume, steps: 4 });
  assert.match(start(true) ?? "", /--resume found nothing to resume in save\/run/);
  assert.equal(start(false), undefined);
});
