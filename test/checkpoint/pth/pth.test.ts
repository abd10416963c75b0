import assert from "node:assert/strict";
import { test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import * as write from "#pefd/checkpoint/pickle/writer.js";
import { parsePthLegacy, parsePthZip } from "#pefd/checkpoint/readCheckpoint.js";
import { PefdError } from "#pefd/common/errors.js";
import { type Described, describedTensor, float32Bytes, LEGACY_START, pthLegacy, pthZip } from "../pthFiles.js";

const SIX = float32Bytes(0, 1, 2, 3, 4, 5);

const vector: Described = { key: "0", count: 6, shape: [6], strides: [1] };

/** The same value and storage in both formats, parsed. */
async function bothFormats(root: write.Piece, storages: Readonly<Record<string, Uint8Array>>) {
  const counted = Object.entries(storages).map(([key, data]) => [key, data.length / 4, data] as const);
  return {
    zip: await parsePthZip(await pthZip(root, storages)),
    legacy: parsePthLegacy(pthLegacy(root, counted)),
  };
}

/** Tensors of one storage 0..5, by strides and offset, and the values they must have. */
const VIEWS: Readonly<Record<string, readonly [Omit<Described, "key" | "count">, number[]]>> = {
  whole: [{ shape: [2, 3], strides: [3, 1] }, [0, 1, 2, 3, 4, 5]],
  transposed: [{ shape: [3, 2], strides: [1, 3] }, [0, 3, 1, 4, 2, 5]],
  "with an offset": [{ offset: 4, shape: [2], strides: [1] }, [4, 5]],
  "every second": [{ offset: 1, shape: [3], strides: [2] }, [1, 3, 5]],
  expanded: [{ offset: 2, shape: [2, 2], strides: [0, 1] }, [2, 3, 2, 3]],
  scalar: [{ offset: 3, shape: [], strides: [] }, [3]],
  "with an axis of one and any stride": [{ shape: [1, 3], strides: [99, 1] }, [0, 1, 2]],
  empty: [{ offset: 6, shape: [0, 3], strides: [3, 1] }, []],
};

test("views of one storage keep their strides and offsets, in both formats", async () => {
  const entries = Object.entries(VIEWS);
  const root = write.dict(entries.map(([name, [view]]) => [name, describedTensor({ key: "0", count: 6, ...view })]));
  const contents = await bothFormats(root, { "0": SIX });
  for (const { state } of Object.values(contents)) {
    assert.deepEqual([...state.keys()], Object.keys(VIEWS));
    for (const [name, [view, values]] of entries) {
      const tensor = state.get(name);
      assert.ok(tensor, name);
      assert.deepEqual([...tensor.shape], view.shape, name);
      assert.deepEqual([...toFloat32(tensor)], values, name);
    }
  }
});

test("the view of a storage that the oldest files name is honoured", () => {
  const view = write.tuple([write.text("v"), write.number(4), write.number(2)]);
  const root = write.dict([
    ["a", describedTensor({ ...vector, view: write.none() })],
    ["b", describedTensor({ ...vector, shape: [2], view })],
  ]);
  const { state } = parsePthLegacy(pthLegacy(root, [["0", 6, SIX]]));
  assert.deepEqual([...toFloat32(state.get("b") as never)], [4, 5]);
});

test("each element type arrives with its bytes, in both formats", async () => {
  const types: Readonly<Record<string, readonly [type: string, size: number]>> = {
    F64: ["DoubleStorage", 8],
    F32: ["FloatStorage", 4],
    F16: ["HalfStorage", 2],
    BF16: ["BFloat16Storage", 2],
    I64: ["LongStorage", 8],
    I32: ["IntStorage", 4],
    I16: ["ShortStorage", 2],
    I8: ["CharStorage", 1],
    U8: ["ByteStorage", 1],
    BOOL: ["BoolStorage", 1],
  };
  for (const [dtype, [type, size]] of Object.entries(types)) {
    const data = Uint8Array.from({ length: 2 * size }, (_, i) => i % 2);
    const tensor = describedTensor({ key: "k", type, count: 2, shape: [2], strides: [1] });
    const root = write.dict([["w", tensor]]);
    const zip = await parsePthZip(await pthZip(root, { k: data }));
    const legacy = parsePthLegacy(pthLegacy(root, [["k", 2, data]]));
    for (const { state } of [zip, legacy]) {
      assert.equal(state.get("w")?.dtype, dtype);
      assert.deepEqual([...(state.get("w")?.data ?? [])], [...data]);
    }
  }
});

test("wrappers are opened, plain values kept, an optimizer's tensors left out", async () => {
  const state = write.orderedDict([["w", describedTensor(vector)]]);
  const one = describedTensor({ key: "0", count: 6, offset: 5, shape: [1], strides: [1] });
  for (const wrapper of ["model", "state_dict", "net"]) {
    const root = write.dict([
      ["epoch", write.number(240)],
      [wrapper, state],
      ["best_acc", one],
      ["opt", write.plain({ lr: 0.05, decay: [150, 180], note: null })],
      ["optimizer", write.dict([["momentum", describedTensor(vector)]])],
      ["__proto__", write.number(1)],
    ]);
    for (const content of Object.values(await bothFormats(root, { "0": SIX }))) {
      assert.deepEqual([...content.state.keys()], ["w"]);
      assert.deepEqual(Object.entries(content.metadata), [
        ["epoch", 240],
        ["best_acc", 5],
        ["opt", { lr: 0.05, decay: [150, 180], note: null }],
        ["__proto__", 1],
      ]);
    }
  }
});

test("a tensor of one element is the number that it holds, whatever its type", async () => {
  const one = (key: string, type: string) => describedTensor({ key, type, count: 1, shape: [], strides: [] });
  const root = write.dict([
    ["model", write.orderedDict([["w", describedTensor(vector)]])],
    ["double", one("1", "DoubleStorage")],
    ["long", one("2", "LongStorage")],
    ["int", one("3", "IntStorage")],
    ["half", one("4", "HalfStorage")],
  ]);
  const bytes = (values: ArrayBufferView) => new Uint8Array(values.buffer);
  const storages = {
    "0": SIX,
    "1": bytes(Float64Array.of(0.1)),
    "2": bytes(BigInt64Array.of(-5n)),
    "3": bytes(Int32Array.of(-70_000)),
    "4": Uint8Array.of(0, 0xbe),
  };
  const { metadata } = await parsePthZip(await pthZip(root, storages));
  assert.deepEqual(metadata, { double: 0.1, long: -5, int: -70_000, half: -1.5 });
});

test("a model's name beside its state_dict is metadata", async () => {
  const root = write.dict([
    ["model", write.text("resnet8x4")],
    ["state_dict", write.dict([["w", describedTensor(vector)]])],
  ]);
  const { zip } = await bothFormats(root, { "0": SIX });
  assert.deepEqual(zip.metadata, { model: "resnet8x4" });
});

const bare = (tensor: Partial<Described>): write.Piece =>
  write.dict([["w", describedTensor({ ...vector, ...tensor })]]);

/** Values without a state_dict. */
const REFUSED_VALUES: Readonly<Record<string, readonly [write.Piece, RegExp]>> = {
  "a number": [write.number(3), /holds no dict/],
  "an empty dict": [write.dict([]), /holds no state_dict, only an empty dict/],
  "a dict without tensors": [write.plain({ epoch: 1, lr: 2 }), /only "epoch", "lr"/],
};

/** Values over the storage 0..5 that must be refused in both formats. */
const REFUSED_TENSORS: Readonly<Record<string, readonly [write.Piece, RegExp]>> = {
  "a state_dict with something else in it": [
    write.dict([
      ["w", describedTensor(vector)],
      ["x", write.number(1)],
    ]),
    /"x", which is no tensor/,
  ],
  "a size beyond the storage": [bare({ shape: [7] }), /the tensor w reaches element 6 of .* 6/],
  "an offset beyond the storage": [bare({ offset: 1 }), /reaches element 6/],
  "strides beyond the storage": [bare({ shape: [2, 2], strides: [5, 1] }), /reaches element 6/],
  "a negative size": [bare({ shape: [-1] }), /negative size/],
  "a negative stride": [bare({ strides: [-1] }), /negative size or stride/],
  "a negative offset": [bare({ offset: -1 }), /without a storage, offset/],
  "a fractional size": [bare({ shape: [1.5] }), /negative size/],
  "sizes whose product overflows": [
    bare({ shape: [2 ** 40, 2 ** 40, 2 ** 40], strides: [0, 0, 0] }),
    /sizes whose product is 1\.3.*e\+36/,
  ],
  "one element expanded to terabytes": [bare({ shape: [2 ** 40], strides: [0] }), /would take/],
  "strides of another rank": [bare({ strides: [1, 1] }), /1 sizes and 2 strides/],
  "a storage larger than its data": [bare({ count: 2 ** 40, shape: [2 ** 40] }), /bytes/],
  "a storage of another element type": [bare({ type: "DoubleStorage" }), /48|bytes/],
  "a storage that is missing": [bare({ key: "../0" }), /no entry|names one twice/],
};

const refusedFor =
  (reason: RegExp) =>
  (error: unknown): boolean =>
    error instanceof PefdError && error.exitCode === 2 && reason.test(error.message);

for (const [what, [root, reason]] of Object.entries(REFUSED_VALUES)) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(parsePthZip(await pthZip(root, {})), refusedFor(reason));
    assert.throws(() => parsePthLegacy(pthLegacy(root, [])), refusedFor(reason));
  });
}

for (const [what, [root, reason]] of Object.entries(REFUSED_TENSORS)) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(parsePthZip(await pthZip(root, { "0": SIX })), refusedFor(reason));
    assert.throws(() => parsePthLegacy(pthLegacy(root, [["0", 6, SIX]])), refusedFor(reason));
  });
}

test("many expanded views cannot add up to more than a few times the file", async () => {
  const views = Array.from({ length: 60 }, (_, i) => {
    const shape = [10_000];
    return [`w${i}`, describedTensor({ ...vector, shape, strides: [0] })] as const;
  });
  await assert.rejects(parsePthZip(await pthZip(write.dict(views), { "0": SIX })), /would take/);
});

test("legacy: big-endian, contradictory counts, twice the same storage, a cut end", () => {
  const root = bare({});
  const refused = (file: Uint8Array, reason: RegExp): void =>
    assert.throws(() => parsePthLegacy(file), refusedFor(reason));
  refused(pthLegacy(root, [["0", 6, SIX]], false), /big-endian/);
  refused(pthLegacy(root, [["0", 5, SIX]]), /5 elements instead of 6/);
  refused(pthLegacy(root, [["0", -6, SIX]]), /-6 elements instead of 6/);
  refused(
    pthLegacy(root, [
      ["0", 6, SIX],
      ["0", 6, SIX],
    ]),
    /names one twice/,
  );
  refused(pthLegacy(root, [["0", 6, SIX]]).subarray(0, -1), /needs 24 bytes, but 23 are left/);
  refused(pthLegacy(root, []), /storage "0" is missing/);
  const version = pthLegacy(root, [["0", 6, SIX]]);
  version.writeUInt16LE(1002, LEGACY_START.length - 3);
  refused(version, /unknown version of torch\.save's old format/);
});
