import type { Random } from "#pefd/common/random.js";

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

/** Values that lengths, counts and offsets break on. */
const EDGES: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x1fffffffffffffn,
  0x7fffffffffffffffn,
  0xffffffffffffffffn,
];

const place = (bytes: Buffer, random: Random): number => random.integer(bytes.length + 1);

const setByte: Mutation = (bytes, random) => {
  const copy = Buffer.from(bytes);
  copy[random.integer(bytes.length)] = random.integer(256);
  return copy;
};

/** Keeps text text and operations operations. */
const borrowByte: Mutation = (bytes, random) => {
  const copy = Buffer.from(bytes);
  copy[random.integer(bytes.length)] = bytes[random.integer(bytes.length)] as number;
  return copy;
};

const flipBit: Mutation = (bytes, random) => {
  const copy = Buffer.from(bytes);
  const at = random.integer(bytes.length);
  copy[at] = (copy[at] as number) ^ (1 << random.integer(8));
  return copy;
};

const setEdge: Mutation = (bytes, random) => {
  const size = 2 ** random.integer(4);
  const value = BigInt.asUintN(8 * size, EDGES[random.integer(EDGES.length)] as bigint);
  const little = Buffer.alloc(8);
  little.writeBigUInt64LE(value);
  const at = random.integer(Math.max(bytes.length - size, 1));
  const edge = little.subarray(0, Math.min(size, bytes.length - at));
  return Buffer.concat([bytes.subarray(0, at), edge, bytes.subarray(at + edge.length)]);
};

const cut: Mutation = (bytes, random) => bytes.subarray(0, place(bytes, random));

const remove: Mutation = (bytes, random) => {
  const at = place(bytes, random);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.integer(32))]);
};

const repeat: Mutation = (bytes, random) => {
  const at = place(bytes, random);
  const part = bytes.subarray(at, at + 1 + random.integer(32));
  const times = 1 + random.integer(8);
  const parts = Array.from({ length: times }, () => part);
  return Buffer.concat([bytes.subarray(0, at), ...parts, bytes.subarray(at)]);
};

const splice: Mutation = (bytes, random, other) => {
  const from = place(other, random);
  const part = other.subarray(from, from + 1 + random.integer(64));
  const at = place(bytes, random);
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at + random.integer(64))]);
};

/** Changes a digit, which keeps JSON valid and makes its numbers wrong. */
const changeDigit: Mutation = (bytes, random) => {
  const start = place(bytes, random);
  const found = bytes.subarray(start).findIndex((byte) => byte >= 0x30 && byte <= 0x39);
  if (found < 0) return setByte(bytes, random, bytes);
  const copy = Buffer.from(bytes);
  copy[start + found] = 0x30 + random.integer(10);
  return copy;
};

/** Those that keep the length come more often, as the others break formats full of offsets at once. */
const MUTATIONS: readonly Mutation[] = [
  setByte,
  borrowByte,
  flipBit,
  setEdge,
  changeDigit,
  setByte,
  borrowByte,
  flipBit,
  setEdge,
  changeDigit,
  cut,
  remove,
  repeat,
  splice,
];

/**
 * A copy of a file with one to three random changes.
 * @param other another file that parts may come from
 */
export function mutate(bytes: Buffer, random: Random, other: Buffer): Buffer {
  let mutated = bytes;
  for (let left = 1 + random.integer(3); left > 0 && mutated.length > 0; left--) {
    const mutation = MUTATIONS[random.integer(MUTATIONS.length)] as Mutation;
    mutated = mutation(mutated, random, other);
  }
  return mutated;
}
