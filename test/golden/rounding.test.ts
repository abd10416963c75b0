import assert from "node:assert/strict";
import { test } from "node:test";
import { heldTo, reachOf } from "./compare/trajectory/rounding.js";

const check = (what: string, error: number) => ({ what, error, bound: 1 });

/** Two runs with images off by roundings. */
const REACH = reachOf([
  [check("loss", 0.2), check("logits[3]", 5)],
  [check("loss", 0.1), check("logits[7]", 4)],
]);

test("a number that is out of bounds may be off by twice what roundings make of it", () => {
  const held = heldTo(REACH, check("logits[12]", 9));
  assert.deepEqual(held, { what: "logits[12]", error: 9, bound: 10, ofRounding: true });
});

test("bounds stay for what is within them, and for what roundings do not move out of them", () => {
  for (const [what, error] of [
    ["logits[12]", 0.9],
    ["loss", 1.5],
    ["weights", 1.5],
  ] as const) {
    assert.deepEqual(heldTo(REACH, check(what, error)), check(what, error));
  }
});
