import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { transferProgress } from "#pefd/cli/transfer.js";
import { outputOf, pretendStderr } from "../helpers/stderr.js";
import { screen } from "../report/live/screen.js";

/** Shows a download on a stderr of a kind, and gives what was written there, and what was said in lines. */
function shown(t: TestContext, isTTY: boolean, quiet = false) {
  const said: string[] = [];
  const text = pretendStderr(t, isTTY);
  const output = outputOf(quiet, (line) => {
    if (!quiet) said.push(line);
  });
  return { progress: transferProgress(output), text, said };
}

test("a download on a terminal is a bar that goes in the end", (t) => {
  const { progress, text } = shown(t, true);
  progress.update({ received: 2.5e6, total: 1e7 });
  assert.match(screen(text()).at(-1) ?? "", /^█{6}░{18} {2}25% {2}2\.5 MB of 10\.0 MB$/);
  progress.update({ received: 5e6, total: 1e7 });
  assert.match(screen(text()).at(-1) ?? "", /^█{12}░{12} {2}50% {2}5\.0 MB of 10\.0 MB$/);
  progress.stop();
  assert.equal(screen(text()).at(-1), "");
});

test("a download of unknown size tells what came", (t) => {
  const { progress, text } = shown(t, true);
  progress.update({ received: 2.5e6, total: undefined });
  assert.match(screen(text()).at(-1) ?? "", / {2}2\.5 MB$/);
  progress.stop();
});

test("elsewhere it is a line for every tenth, or nothing where that was asked for", (t) => {
  const { progress, said, text } = shown(t, false);
  for (const received of [4e5, 1.2e6, 1.9e6, 2e6, 1e7]) progress.update({ received, total: 1e7 });
  progress.stop();
  assert.deepEqual(said, ["1.2 MB of 10.0 MB", "2.0 MB of 10.0 MB", "10.0 MB of 10.0 MB"]);
  assert.equal(text(), "");
  const quiet = shown(t, true, true);
  quiet.progress.update({ received: 1e7, total: 1e7 });
  assert.equal(quiet.text(), "");
});
