import assert from "node:assert/strict";
import { test } from "node:test";
import { Header } from "tar";
import { readTarHeader } from "#pefd/data/archive/tarMembers.js";

/** A header by the package tar. */
function headerOf(fields: ConstructorParameters<typeof Header>[0]): Buffer {
  const header = new Header(fields);
  header.encode();
  return header.block as Buffer;
}

test("names with folders and lengths beyond octal digits are read", () => {
  const path = `${"folder/".repeat(20)}name.jpg`;
  for (const length of [0, 511, 2 ** 33 - 1, 2 ** 33, 2 ** 40 + 3]) {
    const block = headerOf({ path, size: length, type: "File" });
    const { path: name, size, type } = readTarHeader(block) ?? assert.fail();
    assert.deepEqual([name, size, type], [path, length, "File"]);
  }
});

test("zeros are the end; a changed byte, or a length that is no number, is no header", () => {
  assert.equal(readTarHeader(Buffer.alloc(512))?.nullBlock, true);
  const block = headerOf({ path: "a.jpg", size: 5, type: "File" });
  for (const at of [0, 124, 300, 511]) {
    const changed = Buffer.from(block);
    changed[at] = (changed[at] as number) ^ 1;
    assert.equal(readTarHeader(changed), undefined, `byte ${at}`);
  }
  const unsized = Buffer.from(block).fill("x", 124, 136);
  const sum = unsized.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  unsized.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  assert.equal(readTarHeader(unsized), undefined);
});
