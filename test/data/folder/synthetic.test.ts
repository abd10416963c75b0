import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { synthesize } from "#pefd/data/folder/row.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

const NUMBERS = { train: 8, test: 3, seed: 0 };

test("artificial folders have the same classes in both halves, however few images", async (t) => {
  const folder = temporaryFolder(t);
  await synthesize(folder, NUMBERS);
  const [train, val] = ["train", "val"].map((half) => readdirSync(join(folder, half)));
  assert.equal(train?.length, 3);
  assert.deepEqual(val, train);
});

test("more classes than images are refused, and nothing is written", async (t) => {
  const folder = join(temporaryFolder(t), "data");
  await assert.rejects(synthesize(folder, { ...NUMBERS, classes: 4 }), {
    exitCode: 2,
    message: /4 classes need at least as many .* 8 and 3/,
  });
  assert.ok(!existsSync(folder));
});
