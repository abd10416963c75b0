import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, streamState } from "#pefd/common/random.js";

const list = (length: number) => Int32Array.from({ length }, (_, i) => i);

function chosen(length: number, count: number, ...key: [number, ...(string | number)[]]) {
  const out = new Int32Array(count);
  choose(list(length), out, ...key);
  return [...out];
}

const WORD = 2n ** 32n - 1n;

/** xoshiro128++ as its authors write it, on whole numbers of any size. */
function* words(state: readonly number[]): Generator<bigint> {
  let [a, b, c, d] = state.map((word) => BigInt.asUintN(32, BigInt(word))) as [bigint, bigint, bigint, bigint];
  const rotated = (x: bigint, by: bigint) => ((x << by) | (x >> (32n - by))) & WORD;
  for (;;) {
    yield (rotated((a + d) & WORD, 7n) + a) & WORD;
    const shifted = (b << 9n) & WORD;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotated(d, 11n);
  }
}

test("draws are those of xoshiro128++, one after the other", () => {
  const first = words([1, 2, 3, 4]);
  const known = [641n, 1573767n, 3222811527n, 3517856514n, 836907274n, 4247214768n];
  assert.deepEqual(
    known.map(() => first.next().value),
    known,
  );
  const own = words(streamState([9, "draws"]));
  const expected = Array.from({ length: 1000 }, () => Number((own.next().value as bigint) >> 24n));
  assert.deepEqual(chosen(256, 1000, 9, "draws"), expected);
});

test("nothing is chosen twice where there is enough, and any order is as likely as another", () => {
  const all = chosen(1000, 1000, 1, "order");
  assert.deepEqual(
    all.toSorted((x, y) => x - y),
    [...list(1000)],
  );
  const firsts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const pair = chosen(3, 2, 1, "pairs", i).join();
    firsts.set(pair, (firsts.get(pair) ?? 0) + 1);
  }
  // Of six equally likely pairs each comes 1000 times, give or take 29.
  assert.equal(firsts.size, 6);
  for (const count of firsts.values()) assert.ok(Math.abs(count - 1000) < 150, String(count));
});

test("what is chosen follows from the list, the seed and the purpose alone", () => {
  assert.deepEqual(chosen(50, 20, 3, "a", 1), chosen(50, 20, 3, "a", 1));
  const others = [chosen(50, 20, 4, "a", 1), chosen(50, 20, 3, "b", 1), chosen(50, 20, 3, "a", 2)];
  for (const other of others) assert.notDeepEqual(chosen(50, 20, 3, "a", 1), other);
});

test("numbers that do not divide 2^32 are dealt evenly, and the most there may be is as good as few", () => {
  const length = 3 * 2 ** 19;
  const out = chosen(length, 30_000, 5, "thirds");
  const thirds = [0, 1, 2].map((third) => out.filter((value) => Math.floor(value / 2 ** 19) === third).length);
  for (const count of thirds) assert.ok(Math.abs(count - 10_000) < 500, thirds.join());
  assert.throws(() => chosen(0, 1, 1), RangeError);
  assert.throws(() => choose(new Int32Array(2 ** 21 + 1), new Int32Array(1), 1), RangeError);
});
