import assert from "node:assert/strict";
import { test } from "node:test";
import { measureMethods } from "#pefd/bench/bench.js";
import type { Variant, Work } from "#pefd/bench/types.js";
import { inputError } from "#pefd/common/errors.js";

const VARIANTS: readonly Variant[] = [
  { engine: "eager", precision: "float32" },
  { engine: "graph", precision: "float32" },
];

/** A distillation that writes down what is called. */
const recordingWork = (method: string, calls: string[]): Work => ({
  what: method,
  method,
  batchSize: 2,
  steps: 2,
  images: 4,
  open: ({ engine }) => ({
    first: () => void calls.push(`${method} ${engine} first`),
    repeat: (index) => void calls.push(`${method} ${engine} ${index}`),
    dispose: () => void calls.push(`${method} ${engine} dispose`),
  }),
  dispose: () => void calls.push(`${method} dispose`),
});

/** Times methods of which "foreign" does not fit the pair. */
function timed(names: readonly string[], onlyFitting: boolean) {
  const calls: string[] = [];
  const notices: string[] = [];
  const timings = measureMethods(
    { names, onlyFitting, besideKd: true },
    {
      distillation(method) {
        if (method === "foreign") throw inputError("It has no such map.");
        return recordingWork(method, calls);
      },
      variants: VARIANTS,
      repeats: 1,
      onStart: () => {},
      notice: (text) => void notices.push(text),
    },
  );
  return { calls, notices, timings };
}

test("a method and kd take turns, engine by engine, and are freed", () => {
  const { calls, timings } = timed(["one"], false);
  const turns = (index: string) =>
    ["eager", "graph"].flatMap((engine) => [`kd ${engine} ${index}`, `one ${engine} ${index}`]);
  assert.deepEqual(calls, [
    "kd eager first",
    "kd graph first",
    "one eager first",
    "one graph first",
    ...turns("1"),
    ...turns("2"),
    "one eager dispose",
    "one graph dispose",
    "one dispose",
    "kd eager dispose",
    "kd graph dispose",
    "kd dispose",
  ]);
  assert.deepEqual(
    timings.map(({ method, engine, overKd }) => [method, engine, overKd !== undefined]),
    [
      ["kd", "eager", false],
      ["kd", "graph", false],
      ["one", "eager", true],
      ["one", "graph", true],
    ],
  );
});

test("kd is opened once for all methods, and timed alone where there is no other", () => {
  const first = (calls: string[]) => calls.filter((call) => call === "kd eager first").length;
  assert.equal(first(timed(["one", "two"], false).calls), 1);
  const { calls, timings } = timed(["kd"], false);
  assert.equal(first(calls), 1);
  assert.ok(timings.every(({ method, stepMs }) => method === "kd" && stepMs >= 0));
  assert.equal(timings.length, 2);
});

test("of all methods, one that does not fit the pair is left out and said so; a named one is an error", () => {
  const { notices, timings } = timed(["foreign", "one"], true);
  assert.deepEqual(notices, ["skipping foreign: It has no such map."]);
  assert.deepEqual(
    timings.map(({ method }) => method),
    ["kd", "kd", "one", "one"],
  );
  assert.throws(() => timed(["foreign"], false), { message: "It has no such map." });
});
