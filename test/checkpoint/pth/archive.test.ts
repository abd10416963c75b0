import assert from "node:assert/strict";
import { test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import * as write from "#pefd/checkpoint/pickle/writer.js";
import { parsePthZip } from "#pefd/checkpoint/readCheckpoint.js";
import { PefdError } from "#pefd/common/errors.js";
import { describedTensor, float32Bytes, pthZip, zipOf } from "../pthFiles.js";

const DATA = float32Bytes(1, 2, 3, 4);
const ROOT = write.dict([["w", describedTensor({ key: "0", count: 4, shape: [4], strides: [1] })]]);
const PICKLE = write.pickle(ROOT);

/** Where the central directory's record of an entry begins. */
function directoryRecord(file: Buffer, name: string): number {
  for (let at = file.indexOf("PK\x01\x02"); at >= 0; at = file.indexOf("PK\x01\x02", at + 1))
    if (file.toString("latin1", at + 46, at + 46 + name.length) === name) return at;
  return assert.fail(`no record of ${name}`);
}

const refused = (file: Uint8Array, reason: RegExp): Promise<void> =>
  assert.rejects(
    parsePthZip(file),
    (error) => error instanceof PefdError && error.exitCode === 2 && reason.test(error.message),
  );

const valuesOf = async (file: Uint8Array): Promise<number[]> => {
  const tensor = (await parsePthZip(file)).state.get("w");
  return tensor ? [...toFloat32(tensor)] : [];
};

test("any folder name, none at all, and compressed entries are read", async () => {
  for (const folder of ["archive", "ckpt_epoch_240", "ein Ördner"])
    assert.deepEqual(await valuesOf(await pthZip(ROOT, { "0": DATA }, { folder })), [1, 2, 3, 4]);
  const compressed = await pthZip(ROOT, { "0": DATA }, { compress: true });
  assert.deepEqual(await valuesOf(compressed), [1, 2, 3, 4]);
  const flat = await zipOf([
    ["data.pkl", PICKLE],
    ["data/0", DATA],
  ]);
  assert.deepEqual(await valuesOf(flat), [1, 2, 3, 4]);
});

test("data that torch.save aligned by padding in the local header alone is read where it lies", async () => {
  const file = await zipOf([
    ["a/data.pkl", PICKLE],
    ["a/data/0", DATA],
  ]);
  const start = file.lastIndexOf(DATA);
  const header = file.lastIndexOf("PK\x03\x04", start);
  for (const padding of [5, 60, 300]) {
    const extra = Buffer.alloc(padding);
    extra.write("FB", "latin1");
    extra.writeUInt16LE(padding - 4, 2);
    const padded = Buffer.concat([file.subarray(0, start), extra, file.subarray(start)]);
    padded.writeUInt16LE(padding, header + 28);
    const end = padded.lastIndexOf("PK\x05\x06");
    padded.writeUInt32LE(padded.readUInt32LE(end + 16) + padding, end + 16);
    assert.deepEqual(await valuesOf(padded), [1, 2, 3, 4], `${padding} bytes`);
  }
});

test("zip64 directories are read", async () => {
  const { ZipFile } = await import("yazl");
  const { buffer } = await import("node:stream/consumers");
  const zip = new ZipFile();
  const options = { compress: false, forceZip64Format: true };
  zip.addBuffer(Buffer.from(PICKLE), "a/data.pkl", options);
  zip.addBuffer(Buffer.from(DATA), "a/data/0", options);
  zip.end({ forceZip64Format: true, comment: "" });
  assert.deepEqual(await valuesOf(await buffer(zip.outputStream)), [1, 2, 3, 4]);
});

test("an entry that unpacks to far more than the file is refused before it is unpacked", async () => {
  const zeros = new Uint8Array(50_000_000);
  const count = zeros.length / 4;
  const root = write.dict([["w", describedTensor({ key: "0", count, shape: [count], strides: [1] })]]);
  await refused(await pthZip(root, { "0": zeros }, { compress: true }), /would take 50000000 bytes/);
});

test("an entry that claims little and unpacks to much is stopped at its claim", async () => {
  const root = write.dict([["w", describedTensor({ key: "0", count: 4, shape: [4], strides: [1] })]]);
  const file = await pthZip(root, { "0": new Uint8Array(9_000_000) }, { compress: true });
  file.writeUInt32LE(16, directoryRecord(file, "any name/data/0") + 24);
  await refused(file, /does not unpack to the 16 bytes it claims/);
});

test("a thousand names for the same compressed bytes share one allowance", async () => {
  const data = new Uint8Array(60_000);
  const names = Array.from({ length: 200 }, (_, i) => String(i));
  const tensor = (key: string) => describedTensor({ key, count: 15_000, shape: [1], strides: [1] });
  const root = write.dict(names.map((name) => [name, tensor(name)] as const));
  const storages = Object.fromEntries(names.map((name) => [name, data]));
  await refused(await pthZip(root, storages, { compress: true }), /would take 60000 bytes/);
});

test("a changed byte of the weights is noticed; a checksum of 0 means none was made", async () => {
  const file = await pthZip(ROOT, { "0": DATA });
  file[file.indexOf(DATA)] = 7;
  await refused(file, /"any name\/data\/0" has changed since it was written/);
  file.writeUInt32LE(0, directoryRecord(file, "any name/data/0") + 16);
  assert.equal((await valuesOf(file)).length, 4);
});

test("names that leave the archive, repeat or contradict each other are refused", async () => {
  const evil = async (name: string): Promise<Buffer> => {
    const placeholder = "x".repeat(name.length);
    const file = await zipOf([
      ["a/data.pkl", PICKLE],
      ["a/data/0", DATA],
      [placeholder, DATA],
    ]);
    file.write(name, directoryRecord(file, placeholder) + 46, "latin1");
    return file;
  };
  await refused(await evil("../../etc/passwd"), /invalid relative path/);
  await refused(await evil("/etc/passwd"), /absolute path/);
  await refused(await evil("..\\windows"), /invalid characters/);
  await refused(await evil("a/data/0"), /"a\/data\/0" twice/);
  await refused(await evil("b/data.pkl"), /holds "a\/data.pkl" and "b\/data.pkl"/);
});

test("byte orders, encryption, unknown compression and missing parts are named", async () => {
  const withOrder = (order: string): Promise<Buffer> =>
    zipOf([
      ["a/byteorder", Buffer.from(order)],
      ["a/data.pkl", PICKLE],
      ["a/data/0", DATA],
    ]);
  assert.deepEqual(await valuesOf(await withOrder("little")), [1, 2, 3, 4]);
  await refused(await withOrder("big"), /byte order "big"/);
  await refused(await zipOf([["readme.txt", DATA]]), /without data.pkl/);
  await refused(await zipOf([["a/data.pkl", PICKLE]]), /no entry "a\/data\/0"/);
  const file = await pthZip(ROOT, { "0": DATA });
  const record = directoryRecord(file, "any name/data/0");
  const patched = (offset: number, value: number): Buffer => {
    const copy = Buffer.from(file);
    copy.writeUInt16LE(value, record + offset);
    return copy;
  };
  const encrypted = patched(8, 1);
  encrypted.writeUInt32LE(DATA.length + 12, record + 20);
  await refused(encrypted, /encrypted/);
  await refused(patched(10, 12), /compression method 12/);
  await refused(patched(42, 1), /not where the directory says/);
});

test("cut files and directories of absurd size are refused", async () => {
  const file = await pthZip(ROOT, { "0": DATA });
  await refused(file.subarray(0, -30), /end of the zip archive is missing/);
  await refused(file.subarray(50), /damaged|not where/);
  const end = file.lastIndexOf("PK\x05\x06");
  const many = Buffer.from(file);
  many.writeUInt16LE(65_000, end + 8);
  many.writeUInt16LE(65_000, end + 10);
  await refused(many, /claims 65000 entries/);
  const far = Buffer.from(file);
  far.writeUInt32LE(0xfffffff0, end + 16);
  await refused(far, /zip directory is damaged/);
});
