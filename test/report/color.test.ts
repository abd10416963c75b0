import assert from "node:assert/strict";
import { it } from "node:test";
import { palette, useColor } from "#pefd/report/color.js";

it("colours on a terminal unless NO_COLOR, a dumb terminal or --no-color say otherwise", () => {
  assert.equal(useColor({ env: {}, isTTY: true }), true);
  assert.equal(useColor({ env: {}, isTTY: false }), false);
  assert.equal(useColor({ env: { NO_COLOR: "1" }, isTTY: true }), false);
  assert.equal(useColor({ env: { NO_COLOR: "" }, isTTY: true }), true);
  assert.equal(useColor({ env: { TERM: "dumb" }, isTTY: true }), false);
  assert.equal(useColor({ env: { FORCE_COLOR: "1" }, isTTY: false }), true);
  assert.equal(useColor({ env: { FORCE_COLOR: "1", TERM: "dumb" }, isTTY: true }), true);
  assert.equal(useColor({ env: { FORCE_COLOR: "0" }, isTTY: true }), false);
  assert.equal(useColor({ env: { FORCE_COLOR: "" }, isTTY: false }), false);
  assert.equal(useColor({ env: { FORCE_COLOR: "1", NO_COLOR: "1" }, isTTY: false }), false);
  assert.equal(useColor({ env: {}, isTTY: true, flag: false }), false);
  assert.equal(useColor({ env: { NO_COLOR: "1" }, isTTY: false, flag: true }), true);
});

it("the palette obeys that decision whatever chalk detects", () => {
  assert.equal(palette(false).green("best"), "best");
  assert.equal(palette(true).green("best"), "\u001b[32mbest\u001b[39m");
});
