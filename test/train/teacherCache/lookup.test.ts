import assert from "node:assert/strict";
import { test } from "node:test";
import { shiftVariants } from "#pefd/data/augmentation.js";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { epochPlan, PLAN_COLUMNS } from "#pefd/data/sampler.js";
import { createLookup, entriesOf } from "#pefd/train/teacherCache/lookup.js";
import type { OutputSizes, Outputs, Store } from "#pefd/train/teacherCache/store.js";

const { augmentation: SHIFT } = CIFAR100_FORMAT;

const SIZES: OutputSizes = new Map([
  ["pooled", 3],
  ["logits", 2],
]);
const BATCH = 4;
const entryOf = entriesOf({ augmentation: SHIFT });

/** The outputs that a pretended teacher gives for an entry. */
const outputOf = (name: string, size: number, entry: number): number[] =>
  Array.from({ length: size }, (_, i) => entry + i / 10 + (name === "logits" ? 0.5 : 0));

function outputsFor(rows: Int32Array): Outputs {
  const count = rows.length / PLAN_COLUMNS;
  return new Map(
    Array.from(SIZES, ([name, size]) => [
      name,
      Float32Array.from(Array.from({ length: count }, (_, row) => outputOf(name, size, entryOf(rows, row))).flat()),
    ]),
  );
}

/** A store in memory. */
function memoryStore(): Store & { readonly entries: Set<number>; isFull: boolean } {
  const entries = new Set<number>();
  const store = {
    entries,
    isFull: false,
    read(entry: number, into: Outputs, row: number) {
      if (!entries.has(entry)) return false;
      for (const [name, size] of SIZES) into.get(name)?.set(outputOf(name, size, entry), row * size);
      return true;
    },
    write(entry: number) {
      if (!store.isFull) entries.add(entry);
    },
    isGrowing: () => !store.isFull,
    close() {},
  };
  return store;
}

function scene() {
  const store = memoryStore();
  const batches: Int32Array[] = [];
  const lookup = createLookup({
    store,
    sizes: SIZES,
    entryOf,
    batchSize: BATCH,
    compute(rows) {
      batches.push(rows.slice());
      return outputsFor(rows);
    },
  });
  return { store, batches, lookup };
}

const IMAGES = 24;
const plan = (seed: number) => epochPlan(seed, 1, IMAGES, SHIFT);
const rowsOf = (rows: Int32Array, from: number, to: number) => rows.subarray(from * PLAN_COLUMNS, to * PLAN_COLUMNS);

/** Asks for a plan batch by batch, as an epoch does. */
function epoch({ lookup }: ReturnType<typeof scene>, rows: Int32Array, perCall = BATCH): void {
  for (let from = 0; from < IMAGES; from += perCall) {
    const to = Math.min(IMAGES, from + perCall);
    const outputs = lookup.outputs(rowsOf(rows, from, to), rowsOf(rows, to, IMAGES));
    assert.deepEqual(outputs, outputsFor(rowsOf(rows, from, to)));
  }
}

test("the first pass computes every batch once, the second none", () => {
  const { store, batches, lookup } = scene();
  epoch({ store, batches, lookup }, plan(1));
  assert.equal(batches.length, IMAGES / BATCH);
  assert.deepEqual(lookup.tally(), { found: 0, computed: IMAGES });
  epoch({ store, batches, lookup }, plan(1), 3 * BATCH);
  assert.equal(batches.length, IMAGES / BATCH);
  assert.deepEqual(lookup.tally(), { found: IMAGES, computed: IMAGES });
});

test("half of the images missing cost half of the batches: a batch with room takes coming ones", () => {
  const parts = scene();
  const rows = plan(2);
  for (let row = 0; row < IMAGES; row += 2) parts.store.entries.add(entryOf(rows, row));
  epoch(parts, rows);
  assert.equal(parts.batches.length, IMAGES / 2 / BATCH);
  assert.deepEqual(parts.lookup.tally(), { found: IMAGES / 2, computed: IMAGES / 2 });
});

test("a store that takes no more has nothing computed ahead, and every output is still right", () => {
  const parts = scene();
  const rows = plan(3);
  for (let row = 0; row < IMAGES; row += 2) parts.store.entries.add(entryOf(rows, row));
  parts.store.isFull = true;
  epoch(parts, rows);
  assert.equal(parts.batches.length, IMAGES / BATCH);
  epoch(parts, rows);
  assert.deepEqual(parts.lookup.tally(), { found: IMAGES, computed: IMAGES });
});

test("the teacher always runs on whole batches", () => {
  const parts = scene();
  const rows = plan(4);
  parts.lookup.outputs(rowsOf(rows, 0, 6), rowsOf(rows, 0, 0));
  assert.deepEqual(
    parts.batches.map((batch) => batch.length / PLAN_COLUMNS),
    [BATCH, BATCH],
  );
});

test("every image in every variant has a number of its own, and keeps it in a subset", () => {
  const seen = new Set<number>();
  for (const image of [0, 1]) {
    for (let y = 0; y < 9; y++) {
      for (let x = 0; x < 9; x++) {
        for (const flip of [0, 1]) seen.add(entryOf(Int32Array.of(image, y, x, flip), 0));
      }
    }
  }
  assert.equal(shiftVariants(SHIFT), 162);
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    Array.from({ length: 2 * shiftVariants(SHIFT) }, (_, i) => i),
  );
  const ofSubset = entriesOf({ positions: Int32Array.of(5, 17), augmentation: SHIFT });
  const [inSubset, inFile] = [Int32Array.of(1, 8, 3, 1), Int32Array.of(17, 8, 3, 1)];
  assert.equal(ofSubset(inSubset, 0), entryOf(inFile, 0));
});
