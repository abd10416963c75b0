import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkNumber,
  checkNumbers,
  checkSame,
  ratioOf,
  withinRelative,
  withinScale,
  withinSpread,
  worst,
} from "./compare/comparison.js";

test("the worst element decides, measured against its own bound", () => {
  // Off by 2e-4 of 1000 (allowed 0.1), and by 2e-5 of 0.001 (allowed 1e-6 by spread).
  const check = checkNumbers("x", [1000.0002, 0.00102], [1000, 0.001], withinSpread(2e-7));
  assert.equal(check.what, "x[1]");
  assert.ok(Math.abs(ratioOf(check) - 20) < 0.01, String(ratioOf(check)));
});

test("NaN, a missing element and another shape are infinitely far off", () => {
  const infinite = [
    checkNumber("nan", Number.NaN, 1, withinRelative(0)),
    checkNumbers("short", [1], [1, 2], withinRelative(0)),
    checkSame("shape", [1, 2], [2, 1]),
  ];
  for (const check of infinite) assert.equal(ratioOf(check), Number.POSITIVE_INFINITY, check.what);
});

test("a bound of zero allows equality only", () => {
  assert.equal(ratioOf(checkNumber("same", 3, 3, () => 0)), 0);
  assert.equal(ratioOf(checkNumber("other", 3 + 1e-15, 3, () => 0)), Number.POSITIVE_INFINITY);
});

test("bounds: five spreads or the relative bound, whichever is larger", () => {
  assert.equal(withinSpread(1)(2), 5);
  assert.equal(withinSpread(1e-9)(-2), 2e-4);
  assert.equal(withinRelative(1e-9)(-2), 2e-4);
  assert.equal(withinRelative(0.1)(-2), 1);
  assert.equal(withinScale(0, 0.01, 3)(0), 0.03);
});

test("the worst of nothing is nothing", () => {
  assert.equal(worst([]), undefined);
});
