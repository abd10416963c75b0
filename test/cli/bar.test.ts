import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { stderrBar } from "#pefd/cli/transfer.js";
import { outputOf, pretendStderr } from "../helpers/stderr.js";
import { screen } from "../report/live/screen.js";

/** A bar on a stderr of a kind, and what is seen there. */
function shown(t: TestContext, isTTY: boolean, quiet = false) {
  const text = pretendStderr(t, isTTY);
  return { bar: stderrBar(outputOf(quiet)), text };
}

test("on a terminal a bar tells how many images are done, and begins anew once it was stopped", (t) => {
  const { bar, text } = shown(t, true);
  bar?.update(16, 64, ["16 of 64 images"]);
  assert.match(screen(text()).at(-1) ?? "", /^█{6}░{18} {2}25% {2}16 of 64 images$/);
  bar?.stop();
  assert.equal(screen(text()).at(-1), "");
  bar?.update(5, 10, ["5 of 10 images"]);
  assert.match(screen(text()).at(-1) ?? "", / 50% {2}5 of 10 images$/);
  bar?.stop();
  assert.equal(screen(text()).at(-1), "");
});

test("elsewhere, and where that was asked for, nothing is shown", (t) => {
  for (const { bar, text } of [shown(t, false), shown(t, true, true)]) {
    bar?.update(16, 64, ["16 of 64 images"]);
    bar?.stop();
    assert.equal(text(), "");
  }
});
