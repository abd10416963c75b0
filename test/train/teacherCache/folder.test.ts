import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { PefdError } from "#pefd/common/errors.js";
import { IMAGENET } from "#pefd/data/normalize.js";
import { type CacheKey, cacheFolder } from "#pefd/train/teacherCache/open.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

const KEY: CacheKey = {
  model: "resnet8",
  weightsSha256: "a".repeat(64),
  imagesSha256: "b".repeat(64),
  images: {
    height: 32,
    width: 32,
    channels: 3,
    normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
    augmentation: { kind: "shift", padding: 2 },
  },
  engine: "graph",
  precision: "float32",
  batchSize: 8,
  device: "CPU",
  tensorflow: "2.21.0",
  kernels: "avx512",
};

test("a cache's folder is named by the teacher and all that its outputs depend on", async (t) => {
  const root = temporaryFolder(t);
  const folder = await cacheFolder(root, KEY);
  // Another name for the same key would leave every cache that is there without use.
  assert.equal(folder, join(root, "teacher/resnet8-17033e2ebb6661e0"));
  assert.deepEqual(readdirSync(folder), ["key.json"]);
  assert.deepEqual(JSON.parse(readFileSync(join(folder, "key.json"), "utf8")), {
    format: 2,
    ...KEY,
  });
  assert.equal(await cacheFolder(root, { ...KEY }), folder);
  const others = [
    { weightsSha256: "c".repeat(64) },
    { imagesSha256: "c".repeat(64) },
    { engine: "xla" },
    { kernels: "tensorflow" },
    { pluginsSha256: "d".repeat(64) },
    { images: { ...KEY.images, augmentation: { kind: "shift", padding: 4 } as const } },
    { images: { ...KEY.images, normalization: IMAGENET } },
    { precision: "bfloat16" },
    { batchSize: 9 },
    { device: "GPU" },
    { fingerprint: "d" },
  ];
  const folders = [folder];
  for (const other of others) folders.push(await cacheFolder(root, { ...KEY, ...other }));
  assert.equal(new Set(folders).size, 1 + others.length);
});

test("a place that takes no folder is named before a run starts, with what to set", async (t) => {
  const file = join(temporaryFolder(t), "cache");
  writeFileSync(file, "");
  await assert.rejects(cacheFolder(file, KEY), (error: PefdError) => {
    assert.ok(error.message.includes(`cannot be kept in ${join(file, "teacher/resnet8-")}`));
    assert.match(error.hint ?? "", /^Set PEFD_CACHE to a folder/);
    return error.exitCode === 3;
  });
});
