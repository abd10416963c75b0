import assert from "node:assert/strict";
import { test } from "node:test";
import { methodRow } from "#pefd/distill/registry.js";
import { cacheDemand, changingOutputs, diskBytes, growth, tooLarge } from "#pefd/train/teacherCache/demand.js";

const TEACHER = { name: "resnet32x4", featureSize: 256, numClasses: 100 };

/** CIFAR-100's training images in 162 crops and mirror images. */
const SHOWN = 50_000 * 162;

/** Bytes of a record: a checksum and so many numbers. */
const record = (numbers: number) => 4 + 4 * numbers;

test("views take a record for each crop of each image; a map that is named twice counts once", () => {
  assert.equal(diskBytes(TEACHER, ["logits"], SHOWN), SHOWN * record(100));
  assert.equal(diskBytes(TEACHER, ["pooled", "logits"], 10), 10 * (record(100) + record(256)));
  const maps = record(32 * 32 * 64) + record(16 * 16 * 128) + record(8 * 8 * 256);
  assert.equal(diskBytes(TEACHER, ["maps"], 1), maps);
  assert.equal(diskBytes(TEACHER, ["map2", "maps"], 1), maps);
  assert.equal(diskBytes(TEACHER, ["map2", "stem"], 1), record(16 * 16 * 128) + record(32 * 32 * 32));
});

test("maps of 50,000 images are refused with what they would take and what is free; vectors are not", () => {
  const views = methodRow("hint").sees({ hint_layer: 2 });
  const said = tooLarge(views, diskBytes(TEACHER, views, SHOWN), { free: 63.24e9 });
  assert.match(said ?? "", /teacher's map2, which would take 1,061\.7 GB .* \(63\.2 GB of the disk are free\)/);
  assert.equal(tooLarge(["logits", "pooled"], 1e15, { free: 1 }), undefined);
});

test("a cache that the disk has no room for is told with the room that there is", () => {
  assert.equal(growth(8.3e9, { free: 20e9, reserve: 5e9 }), "grows to 8.3 GB at most");
  assert.equal(
    growth(8.3e9, { free: 6.5e9, reserve: 5e9 }),
    "grows to 8.3 GB at most; the disk has room for 1.5 GB more",
  );
  assert.match(growth(1e9, { free: 1e9, reserve: 5e9 }), /room for 0\.0 GB more$/);
});

test("what a method's cache takes: vectors alone are kept, and no outputs that change", () => {
  const of = (name: string) => {
    const method = methodRow(name);
    return cacheDemand(method, method.sees({}), [TEACHER], SHOWN);
  };
  assert.deepEqual(of("kd"), { isKept: true, bytes: SHOWN * record(100) });
  assert.deepEqual(of("crd+kd"), { isKept: true, bytes: SHOWN * (record(100) + record(256)) });
  assert.equal(of("similarity").isKept, false);
  assert.ok((of("similarity").bytes as number) > 1e12);
  for (const name of ["mlld", "ofd"]) {
    assert.deepEqual(of(name), { isKept: false, bytes: undefined }, name);
    assert.match(changingOutputs(methodRow(name), ["logits"]) as string, /strong views|training mode/);
  }
});
