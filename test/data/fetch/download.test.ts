import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DownloadProgress } from "#pefd/data/fetch/receive.js";
import { temporaryFolder, writeDataFolder } from "../cifar/recordFiles.js";
import { makeArchive, md5, TRAIN_RECORDS } from "./archiveServer.js";
import { assertInPlace, failure, fetchCifar100, setting } from "./fetching.js";

test("the archive is fetched and unpacked, with its expected members only", async (t) => {
  const here = await setting(t);
  const seen: DownloadProgress[] = [];
  const result = await fetchCifar100({
    url: here.url.replace("/file", "/redirect"),
    md5: md5(here.archive),
    directory: `${here.directory}/`,
    onProgress: (progress) => seen.push(progress),
  });
  assert.deepEqual(result, { fetched: true, resumedFrom: 0 });
  assertInPlace(here);
  const total = here.archive.length;
  assert.deepEqual(seen[0], { received: 0, total });
  assert.deepEqual(seen.at(-1), { received: total, total });
});

test("a wrong md5 sum names both sums, and the file is removed so that a repeat starts anew", async (t) => {
  const here = await setting(t);
  const wrong = Buffer.from(here.archive);
  wrong[500] = (wrong[500] ?? 0) ^ 1;
  here.served.body = wrong;
  const { message } = await failure(here.fetch(), 1);
  assert.ok(message.includes(md5(wrong)) && message.includes(md5(here.archive)), message);
  assert.deepEqual(readdirSync(join(here.root, "data")), []);
  here.served.body = here.archive;
  await here.fetch();
  assertInPlace(here);
});

test("a folder with other data is left as it is, an empty one is filled", async (t) => {
  const here = await setting(t);
  const other = writeDataFolder(here.root, [1], [2], "other");
  const common = { url: here.url, md5: md5(here.archive) };
  const before = readFileSync(join(other, "train.bin"));
  const refused = await failure(fetchCifar100({ ...common, directory: other }), 2);
  assert.match(refused.message, /other exists but is not the complete CIFAR-100\. Nothing was changed\./);
  assert.deepEqual(readFileSync(join(other, "train.bin")), before);
  assert.deepEqual(here.ranges, []);
  mkdirSync(here.directory, { recursive: true });
  await here.fetch();
  assertInPlace(here);
});

test("an archive with unsound images is not put into place", async (t) => {
  const archive = makeArchive(temporaryFolder(t), TRAIN_RECORDS.subarray(0, 5000));
  const here = await setting(t, { body: archive });
  const fetch = fetchCifar100({ url: here.url, md5: md5(archive), directory: here.directory });
  assert.match((await failure(fetch, 1)).message, /not a valid CIFAR-100: .*has 5000 bytes/);
  assert.ok(!existsSync(here.directory));
});

test("more bytes than any archive has are not taken, claimed or sent", async (t) => {
  const claimed = await setting(t, { claimedLength: 2 ** 31 });
  assert.match((await failure(claimed.fetch(), 1)).message, /sends more than 1073741824 bytes/);
  const sent = await setting(t);
  const { message } = await failure(sent.fetch({ mostBytes: 5000 }), 1);
  assert.match(message, /sends more than 5000 bytes/);
});

test("two at once into one folder download once: the second waits for the first", async (t) => {
  const here = await setting(t);
  let waited = 0;
  const onWait = () => waited++;
  const ends = await Promise.allSettled([here.fetch({ onWait }), here.fetch({ onWait })]);
  assert.equal(waited, 1);
  assert.equal(here.ranges.length, 1);
  assertInPlace(here);
  // This archive is not the official one: the second finds a folder that is not its to touch.
  const [reason] = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  assert.match(String(reason), /exists but is not the complete CIFAR-100/);
});
