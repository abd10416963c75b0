import assert from "node:assert/strict";
import { test } from "node:test";
import * as protobuf from "#pefd/common/protobuf.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("numbers are base 128, negative ones of ten bytes", () => {
  for (const [value, bytes] of [
    [0, "00"],
    [1, "01"],
    [127, "7f"],
    [128, "8001"],
    [150, "9601"],
    [16384, "808001"],
    [2 ** 35, "808080808001"],
    [-1, "ffffffffffffffffff01"],
  ] as const) {
    assert.equal(hex(protobuf.varint(value)), bytes, String(value));
  }
});

test("fields carry their number and how they are written", () => {
  assert.equal(hex(protobuf.integerField(1, 150)), "089601");
  assert.equal(hex(protobuf.integerField(16, 1)), "800101");
  assert.equal(hex(protobuf.stringField(2, "testing")), "120774657374696e67");
  assert.equal(hex(protobuf.stringField(2, "ü")), "1202c3bc");
  assert.equal(hex(protobuf.bytesField(3, Uint8Array.of(1, 2))), "1a020102");
  assert.equal(hex(protobuf.floatField(1, 1)), "0d0000803f");
  assert.equal(hex(protobuf.doubleField(1, -2)), "0900000000000000c0");
});

test("messages hold fields, maps hold messages of key and value", () => {
  const inner = protobuf.integerField(1, 150);
  assert.equal(hex(protobuf.messageField(3, [inner])), "1a03089601");
  assert.equal(hex(protobuf.messageField(3, [inner, inner])), "1a06089601089601");
  assert.equal(hex(protobuf.joinFields([])), "");
  const map = protobuf.mapField(4, [
    ["a", [inner]],
    ["b", []],
  ]);
  assert.equal(hex(map), "22080a01611203089601" + "22050a01621200");
});
