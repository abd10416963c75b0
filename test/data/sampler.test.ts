import assert from "node:assert/strict";
import { test } from "node:test";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { batchRanges, epochPlan, PLAN_COLUMNS } from "#pefd/data/sampler.js";

const { augmentation: SHIFT } = CIFAR100_FORMAT;

const column = (plan: Int32Array, index: number): Int32Array => plan.filter((_, i) => i % PLAN_COLUMNS === index);

test("a plan is pinned by seed and epoch", () => {
  assert.deepEqual([...epochPlan(10, 1, 3, SHIFT)], [0, 2, 1, 1, 1, 1, 6, 0, 2, 0, 2, 1]);
});

test("a plan holds every image once, and every crop and flip about equally often", () => {
  const count = 20_000;
  const plan = epochPlan(10, 1, count, SHIFT);
  assert.deepEqual([...column(plan, 0).toSorted()], [...new Array(count).keys()]);
  for (const axis of [1, 2]) {
    for (let offset = 0; offset < 9; offset++) {
      const share = column(plan, axis).filter((value) => value === offset).length / count;
      assert.ok(Math.abs(share - 1 / 9) < 0.012, `axis ${axis}, offset ${offset}: ${share}`);
    }
  }
  assert.deepEqual([...new Set(column(plan, 3))].sort(), [0, 1]);
  const flipped = column(plan, 3).reduce((sum, flip) => sum + flip, 0) / count;
  assert.ok(Math.abs(flipped - 0.5) < 0.018, `${flipped}`);
});

test("crops and flips are independent of each other", () => {
  const plan = epochPlan(20, 7, 40_000, SHIFT);
  const cells = new Map<string, number>();
  for (let i = 0; i < plan.length; i += PLAN_COLUMNS) {
    const cell = plan.subarray(i + 1, i + 4).join();
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
  }
  assert.equal(cells.size, 162);
  const expected = 40_000 / 162;
  const chiSquared = [...cells.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  // 161 degrees of freedom: mean 161, standard deviation 18.
  assert.ok(chiSquared < 250, `${chiSquared}`);
});

test("every epoch and every seed has an order and an augmentation of its own", () => {
  const plans = [epochPlan(10, 1, 500, SHIFT), epochPlan(10, 2, 500, SHIFT), epochPlan(20, 1, 500, SHIFT)];
  for (const index of [0, 1, 2, 3]) {
    assert.equal(new Set(plans.map((plan) => column(plan, index).join())).size, 3);
  }
  assert.deepEqual(epochPlan(10, 2, 500, SHIFT), plans[1]);
});

test("batches cover all rows, the last short one included", () => {
  assert.deepEqual(batchRanges(50_000, 64).at(-1), { from: 49_984, to: 50_000 });
  assert.equal(batchRanges(50_000, 64).length, 782);
  assert.deepEqual(batchRanges(4, 2), [
    { from: 0, to: 2 },
    { from: 2, to: 4 },
  ]);
  assert.deepEqual(batchRanges(3, 10), [{ from: 0, to: 3 }]);
  assert.deepEqual(batchRanges(0, 10), []);
});
