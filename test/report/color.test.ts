import assert from "node:assert/strict";
import { it } from "node:test";
import { palette, useColor } from "#pefd/report/color.js";

it("colours on a terminal unless NO_COLOR or a dumb terminal say otherwise", () => {
  assert.equal(useColor({}, true), true);
  assert.equal(useColor({}, false), false);
  assert.equal(useColor({ NO_COLOR: "1" }, true), false);
  assert.equal(useColor({ NO_COLOR: "" }, true), true);
  assert.equal(useColor({ TERM: "dumb" }, true), false);
  assert.equal(useColor({ FORCE_COLOR: "1" }, false), true);
  assert.equal(useColor({ FORCE_COLOR: "1", TERM: "dumb" }, true), true);
  assert.equal(useColor({ FORCE_COLOR: "0" }, true), false);
  assert.equal(useColor({ FORCE_COLOR: "" }, false), false);
  assert.equal(useColor({ FORCE_COLOR: "1", NO_COLOR: "1" }, false), false);
});

it("the palette obeys that decision whatever chalk detects", () => {
  assert.equal(palette(false).green("best"), "best");
  assert.equal(palette(true).green("best"), "\u001b[32mbest\u001b[39m");
});
