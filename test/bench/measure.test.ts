import assert from "node:assert/strict";
import { test } from "node:test";
import { machineOf, variantsFor } from "#pefd/bench/bench.js";
import { measure } from "#pefd/bench/measure.js";
import type { Variant, Work } from "#pefd/bench/types.js";
import { median } from "#pefd/common/median.js";

const EAGER: Variant = { engine: "eager", precision: "float32" };
const GRAPH: Variant = { engine: "graph", precision: "float32" };

/** A work that writes down what is called. */
function recordingWork(calls: string[]): Work {
  return {
    what: "nothing",
    batchSize: 2,
    steps: 3,
    images: 6,
    open: ({ engine }) => ({
      first: () => void calls.push(`${engine} first`),
      repeat: (index) => void calls.push(`${engine} ${index}`),
      dispose: () => void calls.push(`${engine} dispose`),
    }),
    dispose: () => {},
  };
}

test("variants take turns, after a warm-up of each", () => {
  const calls: string[] = [];
  const timings = measure(recordingWork(calls), [EAGER, GRAPH], 2, () => {});
  assert.deepEqual(calls, [
    "eager first",
    "graph first",
    "eager 1",
    "graph 1",
    "eager 2",
    "graph 2",
    "eager 3",
    "graph 3",
    "eager dispose",
    "graph dispose",
  ]);
  assert.deepEqual(
    timings.map(({ engine }) => engine),
    ["eager", "graph"],
  );
});

test("what was opened is freed when a variant fails to open", () => {
  const calls: string[] = [];
  const work = recordingWork(calls);
  const failing: Work = {
    ...work,
    open(variant) {
      if (variant.engine === "graph") throw new Error("no graph today");
      return work.open(variant);
    },
  };
  assert.throws(() => measure(failing, [EAGER, GRAPH], 1, () => {}), /no graph today/);
  assert.deepEqual(calls, ["eager first", "eager dispose"]);
});

test("the median of an even number of values is between the two middle ones", () => {
  assert.equal(median([10, 1, 3]), 3);
  assert.equal(median([10, 1, 3, 5]), 4);
});

const names = (variants: readonly Variant[]) => variants.map(({ engine, precision }) => `${engine} ${precision}`);

test("a processor is timed in bfloat16 only where it has the instructions, and never eager", () => {
  const plain = machineOf(false, undefined, "flags : avx2 avx512f");
  const reduced = machineOf(false, undefined, "flags : avx512f avx512_bf16 sse");
  assert.deepEqual(names(variantsFor(plain, [], [])), ["eager float32", "graph float32"]);
  assert.deepEqual(names(variantsFor(reduced, [], [])), ["eager float32", "graph float32", "graph bfloat16"]);
});

test("a GPU is timed with xla as well, in bfloat16 from compute capability 8 on, before in float16", () => {
  const h100 = variantsFor(machineOf(true, 9, ""), [], []);
  assert.deepEqual(names(h100), ["eager float32", "graph float32", "graph bfloat16", "xla float32", "xla bfloat16"]);
  const t4 = variantsFor(machineOf(true, 7.5, "avx512_bf16"), [], []);
  assert.deepEqual(names(t4), ["eager float32", "graph float32", "graph float16", "xla float32", "xla float16"]);
});

test("engines and precisions that are asked for win over the machine's own", () => {
  const machine = machineOf(false, undefined, "");
  const asked = variantsFor(machine, ["xla", "eager"], ["bfloat16", "float32"]);
  assert.deepEqual(names(asked), ["xla bfloat16", "xla float32", "eager float32"]);
  assert.deepEqual(variantsFor(machine, ["eager"], ["bfloat16"]), []);
});
