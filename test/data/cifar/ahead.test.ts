import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readAhead } from "#pefd/data/binary/ahead.js";
import { sha256 } from "#pefd/data/checksums.js";
import { CIFAR10 } from "#pefd/data/cifar/cifar10.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

const SIZES = { train: 40, test: 20, seed: 3 };

for (const row of [CIFAR100, CIFAR10]) {
  test(`${row.title}: files that a thread has read give the same data set`, async (t) => {
    const folder = join(temporaryFolder(t), "data");
    await row.synthesize(folder, SIZES);
    const files = row.filesAhead?.(folder) ?? [];
    const ahead = await readAhead(files);
    assert.deepEqual(
      [...ahead.keys()],
      files.map(({ path }) => path),
    );
    for (const [path, { bytes, sha256: sum }] of ahead) {
      assert.deepEqual(Buffer.from(bytes), readFileSync(path));
      assert.equal(sum, sha256(bytes));
    }
    assert.deepEqual(row.open(folder, { ahead }), row.open(folder));
    assert.deepEqual(row.open(folder, { ahead, limitTrain: 7 }), row.open(folder, { limitTrain: 7 }));
  });
}

test("what was read ahead is not read again", async (t) => {
  const folder = join(temporaryFolder(t), "data");
  await CIFAR100.synthesize(folder, SIZES);
  const ahead = await readAhead(CIFAR100.filesAhead?.(folder) ?? []);
  const before = CIFAR100.open(folder);
  writeFileSync(join(folder, "train.bin"), "other bytes");
  assert.deepEqual(CIFAR100.open(folder, { ahead }), before);
});

test("files that cannot be read ahead are left to those that say why", async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "a folder"));
  writeFileSync(join(folder, "large"), "1234");
  writeFileSync(join(folder, "small"), "123");
  const files = ["missing", "a folder", "large", "small"].map((name) => ({
    path: join(folder, name),
    maxBytes: 3,
  }));
  assert.deepEqual([...(await readAhead(files)).keys()], [join(folder, "small")]);
  assert.equal((await readAhead([])).size, 0);
  const ahead = await readAhead(CIFAR100.filesAhead?.(folder) ?? []);
  assert.throws(() => CIFAR100.open(folder, { ahead }), { exitCode: 2, message: /train\.bin/ });
});
