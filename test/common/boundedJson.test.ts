import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FILE_BOUNDS, parseBoundedJson } from "#pefd/common/boundedJson.js";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

describe("untrusted JSON", () => {
  it("is what JSON.parse makes of it", () => {
    for (const text of [
      "1",
      '"x"',
      "null",
      "[]",
      '{"a":[1,{"b":null}],"c":"\\u00fc"}',
      ' [ 1 , "a,[b]{c}" ] ',
      '"\\""',
      '"\\\\"',
      '["\\"[[[[", "]"]',
      '{"\\\\":["\\\\\\""]}',
    ]) {
      assert.deepEqual(parseBoundedJson(text), JSON.parse(text), text);
    }
  });

  it("may be so deep and no deeper, lists and objects alike; what is closed counts no more", () => {
    const bounds = { depth: 3, values: 100 };
    for (const text of [nested(3), "[[[]],[[]],[[1]]]"]) {
      assert.deepEqual(parseBoundedJson(text, bounds), JSON.parse(text));
    }
    assert.deepEqual(parseBoundedJson('{"a":{"b":{}}}', bounds), { a: { b: {} } });
    for (const text of [nested(4), '{"a":{"b":{"c":{}}}}', "[[[]],[[[]]]]"]) {
      assert.throws(() => parseBoundedJson(text, bounds), /^PefdError: is nested deeper than 3 levels$/);
    }
  });

  it("may hold so many values and no more, brackets and commas in texts aside", () => {
    const bounds = { depth: 9, values: 4 };
    assert.deepEqual(parseBoundedJson("[1,2,3]", bounds), [1, 2, 3]);
    assert.deepEqual(parseBoundedJson('["a,b,c,d,[,{,\\",,,,"]', bounds), ['a,b,c,d,[,{,",,,,']);
    for (const text of ["[1,2,3,4]", "[[],[],[]]", '{"a":1,"b":2,"c":3,"d":4}']) {
      assert.throws(() => parseBoundedJson(text, bounds), /^PefdError: holds more than 4 values$/);
    }
  });

  it("is refused in one line where it is not JSON, cut or not", () => {
    for (const text of ["", "{", '"', '"\\', '["a', "[1,]", "nul", "\u001b[2J\n{"]) {
      assert.throws(() => parseBoundedJson(text), /^PefdError: is not JSON \([^\n\p{Cc}]+\)$/u);
    }
  });

  it("has bounds of its own in files", () => {
    const { depth, values } = FILE_BOUNDS;
    assert.deepEqual([depth, values], [32, 100_000]);
    assert.ok(parseBoundedJson(nested(depth)));
    assert.throws(() => parseBoundedJson(nested(depth + 1)), /32 levels/);
  });
});
