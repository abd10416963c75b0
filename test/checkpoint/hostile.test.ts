import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { unpickle } from "#pefd/checkpoint/pickle/unpickle.js";
import * as write from "#pefd/checkpoint/pickle/writer.js";
import { parseCheckpoint, readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { parseSafetensors, serializeSafetensors } from "#pefd/checkpoint/safetensors.js";
import { serializePth } from "#pefd/checkpoint/writeCheckpoint.js";
import { PefdError } from "#pefd/common/errors.js";
import { float32Tensor } from "#pefd/common/stateDict.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { describedTensor, pthZip, zipOf } from "./pthFiles.js";

const isRefusal =
  (reason: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof PefdError && error.exitCode === 2, String(error));
    assert.match(error.message, reason);
    return true;
  };

/** A pickle from its operations, one character per byte. */
const operations = (...parts: readonly string[]): Uint8Array => Buffer.from(parts.join(""), "latin1");

const ORDERED = "ccollections\nOrderedDict\n";

test("an OrderedDict takes pairs only: no other item multiplies what a few bytes ask for", () => {
  // One list of 20,000 items, of which every three bytes would make another map of 10,000 entries.
  const items = Array.from({ length: 20_000 }, (_, i) => `I${i}\n`).join("");
  const list = `((${items}lp0\n0${ORDERED}p1\n0`;
  const call = "g1\n((g0\nltR";
  assert.throws(() => unpickle(operations(list, call.repeat(500), ".")), isRefusal(/no pair/));
  for (const item of ["(I1\nl", "(I1\nI2\nI3\nl", "c__builtin__\nset\n((I1\nI2\nltR", "N", "S'ab'\n"])
    assert.throws(() => unpickle(operations(ORDERED, "((", item, "ltR.")), isRefusal(/no pair/));
});

const WEIGHT = describedTensor({ key: "0", count: 4, shape: [4], strides: [1] });
const STORAGES = { "0": new Uint8Array(16) };

/** A state_dict beside which a pickle holds another value. */
const beside = (name: string, value: write.Piece): Promise<Buffer> =>
  pthZip(
    write.dict([
      ["model", write.dict([["w", WEIGHT]])],
      [name, value],
    ]),
    STORAGES,
  );

/** A list of one value and as many references to it as wanted. */
const shared = (value: write.Piece, times: number): write.Piece =>
  Buffer.concat([operations("("), value, operations("p7\n", "g7\n".repeat(times), "l")]);

test("one text that metadata refers to again and again is refused with its bytes", async () => {
  const file = await beside("notes", shared(write.text("x".repeat(10_000)), 5000));
  assert.ok(file.length < 30_000);
  await assert.rejects(parseCheckpoint(file), isRefusal(/its metadata would take 10000 bytes/));
  const number = operations("\x8b", "\xe8\x03\0\0", "\x55".repeat(1000));
  await assert.rejects(parseCheckpoint(await beside("n", shared(number, 5000))), isRefusal(/bytes/));
  const names = write.dict([["k".repeat(10_000), write.number(1)]]);
  await assert.rejects(parseCheckpoint(await beside("k", shared(names, 5000))), isRefusal(/bytes/));
});

test("texts that are shared as training programs share them are kept", async () => {
  const entry = write.dict([["learning_rate", write.number(0.05)]]);
  const { metadata } = await parseCheckpoint(await beside("history", shared(entry, 1000)));
  assert.equal((metadata.history as unknown[]).length, 1001);
});

test("thousands of tensors that view one storage are refused with their number and bytes", async () => {
  const count = 50_000;
  const view = describedTensor({ key: "0", count, shape: [count], strides: [1] });
  const root = write.dict(Array.from({ length: 400 }, (_, i) => [`w${i}`, view] as const));
  const file = await pthZip(root, { "0": new Uint8Array(4 * count) });
  const reason = /its 400 tensors would take 80000000 bytes of memory, more than 4 times/;
  await assert.rejects(parseCheckpoint(file), isRefusal(reason));
});

test("weights that are tied are read", async () => {
  const count = 1000;
  const view = describedTensor({ key: "0", count, shape: [count], strides: [1] });
  const root = write.dict([
    ["encoder.weight", view],
    ["decoder.weight", view],
  ]);
  const { state } = await parseCheckpoint(await pthZip(root, { "0": new Uint8Array(4 * count) }));
  assert.equal(state.size, 2);
});

test("sizes that overflow when multiplied are refused, zeros among them or not", async () => {
  for (const shape of [
    [2 ** 50, 2 ** 50, 0],
    [0, 2 ** 30, 2 ** 30],
    [2 ** 27, 2 ** 27],
  ]) {
    const tensor = describedTensor({ key: "0", count: 4, shape, strides: shape.map(() => 0) });
    const file = await pthZip(write.dict([["w", tensor]]), STORAGES);
    await assert.rejects(parseCheckpoint(file), isRefusal(/tensor w has sizes whose product/));
    const header = `{"w":{"dtype":"F32","shape":[${shape}],"data_offsets":[0,0]}}`;
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const whole = Buffer.concat([length, Buffer.from(header)]);
    assert.throws(() => parseSafetensors(whole), isRefusal(/tensor w has sizes whose product/));
  }
});

/** A zip whose directory says that an entry lies where another one does. */
async function overlapping(): Promise<Buffer> {
  const file = await zipOf([
    ["a/data.pkl", write.pickle(write.dict([["w", WEIGHT]]))],
    ["a/data/0", STORAGES["0"]],
    ["a/data/1", STORAGES["0"]],
  ]);
  const record = (name: string): number => file.lastIndexOf(name) - 46;
  const offset = file.readUInt32LE(record("a/data/0") + 42);
  file.writeUInt32LE(offset, record("a/data/1") + 42);
  return file;
}

test("zip entries that overlap are refused before anything of them is read", async () => {
  const reason = /its zip entries "a\/data\/0" and "a\/data\/1" overlap/;
  await assert.rejects(parseCheckpoint(await overlapping()), isRefusal(reason));
});

test("more tensors, and longer names, than any network has are refused in every format", async () => {
  const empty = float32Tensor(new Float32Array(0), [0]);
  const many = new Map(Array.from({ length: 10_001 }, (_, i) => [`w${i}`, empty]));
  const long = new Map([["w".repeat(2000), empty]]);
  for (const bytes of [serializeSafetensors(many), await serializePth(many, {})])
    await assert.rejects(parseCheckpoint(bytes), isRefusal(/holds 10001 tensors; up to 10000/));
  for (const bytes of [serializeSafetensors(long), await serializePth(long, {})])
    await assert.rejects(parseCheckpoint(bytes), isRefusal(/a tensor by 2000 characters/));
});

test("metadata nested without end is text like any other", async () => {
  const nested = `${"[".repeat(400_000)}${"]".repeat(400_000)}`;
  const state = new Map([["w", float32Tensor(Float32Array.of(1), [1])]]);
  const { metadata } = await parseCheckpoint(serializeSafetensors(state, new Map([["x", nested]])));
  assert.equal(metadata.x, nested);
  const back = await parseCheckpoint(await serializePth(state, metadata));
  assert.equal(back.metadata.x, nested);
});

test("metadata that would make a header which nobody reads is refused", () => {
  const metadata = new Map([["notes", "x".repeat(3 * 2 ** 20)]]);
  assert.throws(() => serializeSafetensors(new Map(), metadata), isRefusal(/3145\d+ bytes of a/));
});

test("pipes, devices and sockets are refused at once, by whatever name they are reached", async (t) => {
  const folder = temporaryFolder(t);
  const path = (name: string): string => join(folder, name);
  execFileSync("mkfifo", [path("pipe")]);
  symlinkSync(path("pipe"), path("link.pth"));
  symlinkSync("/dev/zero", path("zero.pth"));
  mkdirSync(path("saved/assets.extra"), { recursive: true });
  writeFileSync(path("saved/saved_model.pb"), "");
  symlinkSync(path("pipe"), path("saved/assets.extra/model.safetensors"));
  const server = createServer().listen(path("socket"));
  t.after(() => server.close());
  for (const [name, kind] of [
    ["pipe", "a pipe"],
    ["link.pth", "a pipe"],
    ["saved", "a pipe"],
    ["zero.pth", "a device"],
    ["socket", "a socket"],
  ] as const)
    await assert.rejects(readCheckpoint(path(name)), isRefusal(new RegExp(`is ${kind}, not a`)));
});
