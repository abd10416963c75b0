import assert from "node:assert/strict";
import { test } from "node:test";
import * as write from "#pefd/checkpoint/pickle/writer.js";
import { parseCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { serializeSafetensors } from "#pefd/checkpoint/safetensors.js";
import { PefdError } from "#pefd/common/errors.js";
import { createRandom } from "#pefd/common/random.js";
import { ELEMENT_BYTES, type StateDict, type StateTensor } from "#pefd/common/stateDict.js";
import { mutate } from "./mutate.js";
import { describedTensor, float32Bytes, pthLegacy, pthZip } from "./pthFiles.js";

const FILES_PER_SEED = 5000;
const MILLISECONDS = 1000;
const FIXED_BYTES = 16 * 2 ** 20;

const TENSORS = [
  ["conv.weight", { shape: [2, 3], strides: [1, 2] }],
  ["bn.weight", { offset: 3, shape: [3], strides: [1] }],
  ["bn.num_batches_tracked", { offset: 5, shape: [], strides: [] }],
] as const;

/** Like a published checkpoint in small: options, accuracies, views of a shared storage. */
const ROOT = write.dict([
  ["epoch", write.number(240)],
  ["model", write.orderedDict(TENSORS.map(([name, view]) => [name, describedTensor({ key: "0", count: 6, ...view })]))],
  ["best_acc", describedTensor({ key: "1", type: "DoubleStorage", count: 1, shape: [], strides: [] })],
  ["opt", write.plain({ lr: 0.05, decay: [150, 180], path: "a/b", flag: true, none: null })],
]);

const STORAGES = { "0": float32Bytes(0, 1, 2, 3, 4, 5), "1": float32Bytes(0, 1) };

const SAFETENSORS: StateDict = new Map<string, StateTensor>([
  ["conv.weight", { dtype: "F32", shape: [2, 3], data: STORAGES["0"] }],
  ["bn.weight", { dtype: "BF16", shape: [4], data: STORAGES["1"] }],
  ["count", { dtype: "I64", shape: [], data: STORAGES["1"] }],
]);

/** Without checksums, as torch.save can write it, so that changes reach the code behind them. */
function withoutChecksums(zip: Buffer): Buffer {
  for (let at = zip.indexOf("PK\x01\x02"); at >= 0; at = zip.indexOf("PK\x01\x02", at + 1))
    zip.writeUInt32LE(0, at + 16);
  return zip;
}

/** A pickle of protocol 4 with a memo, frames, sets and a numpy scalar, in the place of the legacy value. */
const MODERN = Buffer.from(
  "\x80\x04}\x94(\x8c\x05model\x94}\x8c\x01w\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93" +
    "((\x8c\x07storage\x8c\x05torch\x8c\x0cFloatStorage\x93\x8c\x010\x94\x8c\x03cpuK\x06tQK\0K\x03\x85K\x02\x85\x89" +
    "\x8c\x0bcollections\x8c\x0bOrderedDict\x93)RtRs\x8c\x03set\x8f(K\x01K\x02\x90\x8c\x01b\x8e\x02\0\0\0\0\0\0\0ab" +
    "\x8c\x01n(K\x01L5\nF1.5\nI01\nlu.",
  "latin1",
);

const legacy = pthLegacy(ROOT, [
  ["0", 6, STORAGES["0"]],
  ["1", 1, STORAGES["1"]],
]);

const modernLegacy = Buffer.concat([
  legacy.subarray(0, legacy.indexOf(write.pickle(ROOT))),
  MODERN,
  write.pickle(write.list([write.text("0")])),
  Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]),
  STORAGES["0"],
]);

const SEEDS: Readonly<Record<string, Buffer>> = {
  safetensors: Buffer.from(serializeSafetensors(SAFETENSORS, new Map([["epoch", "240"]]))),
  zip: withoutChecksums(await pthZip(ROOT, STORAGES)),
  "deflated zip": withoutChecksums(await pthZip(ROOT, STORAGES, { compress: true })),
  legacy,
  "legacy of protocol 4": modernLegacy,
};

/** Bytes that V8 and its buffers hold now; garbage only makes the difference smaller. */
function bytesHeld(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Time that this process worked; waiting for others does not count. */
const milliseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

function checkState(state: StateDict, file: Uint8Array): void {
  const memory = new Set<ArrayBufferLike>();
  for (const { dtype, shape, data } of state.values()) {
    const elements = shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, 1);
    assert.equal(data.length, elements * ELEMENT_BYTES[dtype]);
    memory.add(data.buffer);
  }
  const held = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(held <= 4 * file.length + FIXED_BYTES, `${held} bytes for a file of ${file.length}`);
}

/** Parses one file; whatever happens must be a clear error or a sound state, soon and in bounded memory. */
async function survives(file: Uint8Array): Promise<boolean> {
  const [start, before] = [milliseconds(), bytesHeld()];
  let isRead = false;
  try {
    const { state } = await parseCheckpoint(file);
    checkState(state, file);
    isRead = true;
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /^[^\n]{10,600}$/);
  }
  const [spent, grown] = [milliseconds() - start, bytesHeld() - before];
  assert.ok(spent < MILLISECONDS, `${spent} ms`);
  assert.ok(grown < 4 * file.length + FIXED_BYTES, `${grown} bytes`);
  return isRead;
}

for (const [name, seed] of Object.entries(SEEDS)) {
  test(`${FILES_PER_SEED} mutations of a ${name} file: no crash, no hang, no flood`, async (t) => {
    assert.equal(await survives(seed), true, "the file itself can be read");
    const random = createRandom(1, "fuzz", name);
    const others = Object.values(SEEDS);
    let read = 0;
    for (let i = 0; i < FILES_PER_SEED; i++) {
      const file = mutate(seed, random, others[random.integer(others.length)] as Buffer);
      try {
        if (await survives(file)) read++;
      } catch (error) {
        t.diagnostic(`file ${i}: ${file.toString("base64")}`);
        throw error;
      }
    }
    t.diagnostic(`${read} of ${FILES_PER_SEED} could still be read`);
  });
}
