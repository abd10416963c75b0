import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "#pefd/common/random.js";

const range = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);
const firstTen = (seed: number, ...purpose: (string | number)[]): number[] => {
  const random = createRandom(seed, ...purpose);
  return Array.from({ length: 10 }, () => random.integer(2 ** 32));
};

test("the stream of a seed and purpose is pinned: a change would change every published run", () => {
  const random = createRandom(10, "pinned");
  assert.deepEqual([random.uniform(), random.uniform()], [0.28241156859576355, 0.49772633484082807]);
  assert.deepEqual(
    [10, 9, 2, 2 ** 32].map((n) => random.integer(n)),
    [7, 2, 0, 217960448],
  );
  assert.deepEqual(
    [random.normal(), random.normal(), random.normal()],
    [-0.6850826564281255, 1.484477257567774, -0.5218662737279285],
  );
  const order = range(10);
  createRandom(10, "shuffle", 3).shuffle(order);
  assert.deepEqual([...order], [1, 3, 0, 9, 8, 4, 5, 2, 6, 7]);
});

test("equal arguments give the same stream, any other arguments another one", () => {
  const streams = [
    firstTen(1, "a", 1),
    firstTen(2, "a", 1),
    firstTen(1, "b", 1),
    firstTen(1, "a", 2),
    firstTen(1, "a"),
    firstTen(1, "a1"),
    firstTen(1, "a", "1"),
  ];
  assert.deepEqual(firstTen(1, "a", 1), streams[0]);
  assert.equal(new Set(streams.flat()).size, 70);
});

test("streams of different purposes do not disturb each other", () => {
  const alone = firstTen(5, "shuffle");
  const random = createRandom(5, "shuffle");
  const other = createRandom(5, "crop");
  const mixed = alone.map(() => {
    other.uniform();
    return random.integer(2 ** 32);
  });
  assert.deepEqual(mixed, alone);
});

test("integers below 9 and coin flips are even", () => {
  const random = createRandom(1, "even");
  const counts = new Array<number>(9).fill(0);
  let heads = 0;
  for (let i = 0; i < 90_000; i++) {
    const value = random.integer(9);
    counts[value] = (counts[value] ?? 0) + 1;
    heads += random.integer(2);
  }
  // Five standard deviations: sqrt(90000 * 1/9 * 8/9) = 94, sqrt(90000) / 2 = 150.
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 470, `${counts}`);
  assert.ok(Math.abs(heads - 45_000) < 750, `${heads}`);
});

test("the only integer below 1 is 0, and none lies below 0", () => {
  const random = createRandom(1);
  assert.equal(random.integer(1), 0);
  for (const n of [0, -1, Number.NaN, 2 ** 32 + 1]) assert.throws(() => random.integer(n), RangeError);
});

test("uniform numbers lie in [0, 1) with mean 1/2 and variance 1/12", () => {
  const random = createRandom(2, "uniform");
  const values = Array.from({ length: 40_000 }, () => random.uniform());
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  assert.ok(values.every((x) => x >= 0 && x < 1));
  assert.ok(Math.abs(mean - 1 / 2) < 0.0075, `${mean}`);
  assert.ok(Math.abs(variance - 1 / 12) < 0.002, `${variance}`);
});

test("normal numbers have the moments and the tails of a normal distribution", () => {
  const random = createRandom(3, "normal");
  const values = Array.from({ length: 40_000 }, () => random.normal());
  const moment = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / values.length;
  const beyondTwo = values.filter((x) => Math.abs(x) > 2).length / values.length;
  assert.ok(Math.abs(moment(1)) < 0.025, `${moment(1)}`);
  assert.ok(Math.abs(moment(2) - 1) < 0.035, `${moment(2)}`);
  assert.ok(Math.abs(moment(3)) < 0.1, `${moment(3)}`);
  assert.ok(Math.abs(moment(4) - 3) < 0.25, `${moment(4)}`);
  assert.ok(Math.abs(beyondTwo - 0.0455) < 0.0055, `${beyondTwo}`);
});

test("a shuffle keeps every element and gives all orders of three equally often", () => {
  const seen = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = range(3);
    createRandom(4, "orders", i).shuffle(order);
    seen.set(order.join(), (seen.get(order.join()) ?? 0) + 1);
  }
  assert.equal(seen.size, 6);
  for (const count of seen.values()) assert.ok(Math.abs(count - 1000) < 145, `${[...seen]}`);
  const large = range(50_000);
  createRandom(4, "large").shuffle(large);
  assert.deepEqual(large.toSorted(), range(50_000));
});

test("seeds and purposes that are not integers are refused", () => {
  for (const seed of [Number.NaN, 0.5, 2 ** 53]) {
    assert.throws(() => createRandom(seed, "x"), RangeError);
    assert.throws(() => createRandom(1, "x", seed), RangeError);
  }
});
