import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { create } from "tar";
import { CIFAR10 } from "#pefd/data/cifar/cifar10.js";
import { fetchArchive } from "#pefd/data/fetch/fetchArchive.js";
import { IMAGENET } from "#pefd/data/folder/row.js";
import { TINY_IMAGENET } from "#pefd/data/tinyImageNet/tinyImageNet.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { md5, serveArchive } from "./archiveServer.js";

/** An archive of sound synthetic images, laid out as the official one. */
async function makeArchive(parent: string): Promise<Buffer> {
  const folder = join(parent, "cifar-10-batches-bin");
  mkdirSync(folder);
  await CIFAR10.synthesize(folder, { train: 10, test: 5, seed: 1 });
  const file = join(parent, "archive.tar.gz");
  create({ cwd: parent, file, gzip: true, sync: true }, ["cifar-10-batches-bin"]);
  return readFileSync(file);
}

test("what an archive held is written down beside it, and is known again until a byte changes", async (t) => {
  const body = await makeArchive(temporaryFolder(t));
  const { url } = await serveArchive(t, { body });
  const directory = join(temporaryFolder(t), "images");
  const request = { directory, url, md5: md5(body) };
  assert.equal((await fetchArchive(CIFAR10, request)).fetched, true);
  assert.equal((await fetchArchive(CIFAR10, request)).fetched, false);
  assert.equal(CIFAR10.open(directory).train.count, 10);
  assert.equal((await CIFAR10.verify(directory)).official, false, "another archive is not the official");
  const file = join(directory, "test_batch.bin");
  const bytes = readFileSync(file);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  await assert.rejects(() => fetchArchive(CIFAR10, request), /exists but is not the complete/);
});

test("a folder is the official one where the official archive's sum and the files' are written down", async (t) => {
  const directory = join(temporaryFolder(t), "images");
  await CIFAR10.synthesize(directory, { train: 10, test: 5, seed: 1 });
  const { files } = await CIFAR10.verify(directory);
  const sums = Object.fromEntries(files.map(({ file, sha256 }) => [file, sha256]));
  const record = (text: string) => writeFileSync(join(directory, "fetched.json"), text);
  record(JSON.stringify({ md5: CIFAR10.archive.md5, files: sums }));
  assert.equal((await CIFAR10.verify(directory)).official, true);
  for (const text of ["{", "null", "[]", JSON.stringify({ md5: CIFAR10.archive.md5 })]) {
    record(text);
    assert.equal((await CIFAR10.verify(directory)).official, false, text);
  }
});

test("an archive that is read as it is lies in the folder as it came", async (t) => {
  const body = Buffer.from("a zip archive, as far as a fetch is concerned");
  const { url } = await serveArchive(t, { body });
  const directory = join(temporaryFolder(t), "tiny");
  const request = { directory, url, md5: md5(body) };
  assert.equal((await fetchArchive(TINY_IMAGENET, request)).fetched, true);
  assert.deepEqual(readFileSync(join(directory, "tiny-imagenet-200.zip")), body);
  assert.equal((await fetchArchive(TINY_IMAGENET, request)).fetched, false);
  writeFileSync(join(directory, "tiny-imagenet-200.zip"), "another");
  await assert.rejects(() => fetchArchive(TINY_IMAGENET, request), /exists but is not the complete/);
});

test("what cannot be fetched says how to bring it", () => {
  assert.throws(
    () => fetchArchive(IMAGENET, { directory: "nowhere" }),
    (error: Error & { hint?: string }) => error.hint?.includes("ILSVRC2012_img_train.tar") === true,
  );
});
