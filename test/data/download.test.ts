import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { fetchCifar100 } from "#pefd/data/download.js";
import type { DownloadProgress } from "#pefd/data/resumableDownload.js";
import {
  type ArchiveServer,
  makeArchive,
  md5,
  type ServedFile,
  serveArchive,
  TEST_RECORDS,
  TRAIN_RECORDS,
} from "./archiveServer.js";
import { temporaryFolder, writeDataFolder } from "./recordFiles.js";

interface Setting extends ArchiveServer {
  readonly root: string;
  readonly directory: string;
  readonly partial: string;
  readonly archive: Buffer;
  readonly fetch: (signal?: AbortSignal) => ReturnType<typeof fetchCifar100>;
}

/** A server with a sound archive, and a folder to fetch it to. */
async function setting(t: TestContext, behaviour: Partial<ServedFile> = {}): Promise<Setting> {
  const archive = makeArchive(temporaryFolder(t));
  const server = await serveArchive(t, { body: archive, ...behaviour });
  const root = temporaryFolder(t);
  const directory = join(root, "data", "cifar");
  const common = { url: server.url, md5: md5(archive), directory };
  const fetch = (signal?: AbortSignal) => fetchCifar100({ ...common, signal });
  return { ...server, root, directory, partial: `${directory}.tar.gz.partial`, archive, fetch };
}

function assertInPlace({ root, directory }: Setting): void {
  assert.deepEqual(readFileSync(join(directory, "train.bin")), Buffer.from(TRAIN_RECORDS));
  assert.deepEqual(readFileSync(join(directory, "test.bin")), Buffer.from(TEST_RECORDS));
  assert.deepEqual(readdirSync(directory), ["fine_label_names.txt", "test.bin", "train.bin"]);
  assert.deepEqual(readdirSync(join(root, "data")), ["cifar"]);
}

/** The error of a fetch that must fail with this exit code. */
async function failure(fetch: Promise<unknown>, exitCode: number): Promise<PefdError> {
  const error = await fetch.then(
    () => assert.fail("nothing failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof PefdError, String(error));
  assert.equal(error.exitCode, exitCode);
  return error;
}

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

for (const etag of ['"one"', undefined]) {
  test(`a broken download goes on where it stopped, entity tag ${etag}`, async (t) => {
    const here = await setting(t, { cutAfter: 10_000, ...(etag ? { etag } : {}) });
    const error = await failure(here.fetch(), 1);
    assert.match(error.message, /Fetching http.* failed/);
    assert.match(error.hint ?? "", /goes on where it stopped/);
    assert.ok(!existsSync(here.directory));
    const kept = statSync(here.partial).size;
    assert.ok(kept > 0 && kept <= 10_000, `${kept}`);
    delete here.served.cutAfter;
    assert.deepEqual(await here.fetch(), { fetched: true, resumedFrom: kept });
    assert.deepEqual(here.ranges, [undefined, `bytes=${kept}-`]);
    assertInPlace(here);
  });
}

test("a server without ranges is asked for all of it again", async (t) => {
  const here = await setting(t, { cutAfter: 10_000, ignoresRanges: true });
  await failure(here.fetch(), 1);
  delete here.served.cutAfter;
  assert.deepEqual(await here.fetch(), { fetched: true, resumedFrom: 0 });
  assertInPlace(here);
});

test("a file that changed on the server, or another URL, is downloaded anew", async (t) => {
  const here = await setting(t, { body: Buffer.alloc(40_000, 7), etag: '"old"', cutAfter: 10_000 });
  await failure(here.fetch(), 1);
  Object.assign(here.served, { body: here.archive, etag: '"new"' });
  await failure(here.fetch(), 1);
  const other = here.url.replace("/file", "/other");
  delete here.served.cutAfter;
  const result = await fetchCifar100({
    url: other,
    md5: md5(here.archive),
    directory: here.directory,
  });
  assert.equal(result.resumedFrom, 0);
  assert.equal(here.ranges.at(-1), undefined);
  assertInPlace(here);
});

test("a partial file longer than the archive is given up", async (t) => {
  const here = await setting(t, { cutAfter: 10_000 });
  await failure(here.fetch(), 1);
  delete here.served.cutAfter;
  writeFileSync(here.partial, Buffer.alloc(here.archive.length + 5));
  assert.equal((await here.fetch()).resumedFrom, 0);
  assertInPlace(here);
});

test("a complete archive left by a killed fetch is not downloaded again", async (t) => {
  const here = await setting(t);
  mkdirSync(join(here.root, "data"));
  writeFileSync(here.partial, here.archive);
  mkdirSync(join(`${here.directory}.unpacking`, "cifar-100-binary"), { recursive: true });
  writeFileSync(join(`${here.directory}.unpacking`, "cifar-100-binary", "train.bin"), "half");
  await here.fetch();
  assert.deepEqual(here.ranges, []);
  assertInPlace(here);
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

test("a missing file, no server and no URL are told apart", async (t) => {
  const here = await setting(t, { status: 404 });
  assert.match((await failure(here.fetch(), 1)).message, /answered 404 Not Found/);
  const common = { md5: "0", directory: here.directory };
  const closed = fetchCifar100({ ...common, url: "http://127.0.0.1:1/x" });
  assert.match((await failure(closed, 1)).message, /ECONNREFUSED/);
  for (const url of ["nonsense", "file:///etc/hostname"]) {
    const { message } = await failure(fetchCifar100({ ...common, url }), 2);
    assert.match(message, /not an http or https address/);
  }
  assert.ok(!existsSync(here.directory));
});

test("an aborted fetch ends with the signal's reason and can be continued", async (t) => {
  const here = await setting(t);
  const controller = new AbortController();
  const common = { url: here.url, md5: md5(here.archive), directory: here.directory };
  const reason = new Error("Ctrl-C");
  const onProgress = () => controller.abort(reason);
  const aborted = fetchCifar100({ ...common, onProgress, signal: controller.signal });
  await assert.rejects(aborted, reason);
  assert.ok(!existsSync(here.directory));
  await here.fetch();
  assertInPlace(here);
});

test("a folder with other data is left as it is, an empty one is filled", async (t) => {
  const here = await setting(t);
  const other = writeDataFolder(here.root, [1], [2], "other");
  const common = { url: here.url, md5: md5(here.archive) };
  const before = readFileSync(join(other, "train.bin"));
  const refused = await failure(fetchCifar100({ ...common, directory: other }), 2);
  assert.match(refused.message, /other holds something other .* left as it is/);
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
  assert.match((await failure(fetch, 1)).message, /no sound CIFAR-100: .*has 5000 bytes/);
  assert.ok(!existsSync(here.directory));
});
