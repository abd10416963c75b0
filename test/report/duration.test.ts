import assert from "node:assert/strict";
import { it } from "node:test";
import { formatDuration, secondsLeft } from "#pefd/report/duration.js";

it("says durations in at most two units, never 60 of a smaller one", () => {
  const said = [0, 3.21, 9.96, 45, 59.7, 60, 426, 3599.8, 5520, 7199, 86399, 187200].map(formatDuration);
  assert.deepEqual(said, [
    "0.0 s",
    "3.2 s",
    "10 s",
    "45 s",
    "1 min",
    "1 min",
    "7 min 6 s",
    "1 h",
    "1 h 32 min",
    "2 h",
    "1 d",
    "2 d 4 h",
  ]);
  assert.equal(formatDuration(Number.NaN), "?");
  assert.equal(formatDuration(-1), "?");
});

it("estimates the time left from the pace so far, and says nothing before the first piece", () => {
  assert.equal(secondsLeft(10, 2, 6), 20);
  assert.equal(secondsLeft(10, 6, 6), 0);
  assert.equal(secondsLeft(10, 0, 6), undefined);
  assert.equal(secondsLeft(-5, 2, 6), undefined, "the clock jumped back");
});
