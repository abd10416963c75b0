import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { type FetchOptions, fetchArchive } from "#pefd/data/fetch/fetchArchive.js";
import type { DownloadProgress } from "#pefd/data/fetch/receive.js";
import { temporaryFolder, writeDataFolder } from "../cifar/recordFiles.js";
import {
  type ArchiveServer,
  makeArchive,
  md5,
  type ServedFile,
  serveArchive,
  TEST_RECORDS,
  TRAIN_RECORDS,
} from "./archiveServer.js";

const fetchCifar100 = (options: FetchOptions) => fetchArchive(CIFAR100, options);

interface Setting extends ArchiveServer {
  readonly root: string;
  readonly directory: string;
  readonly partial: string;
  readonly archive: Buffer;
  readonly fetch: (more?: Partial<FetchOptions>) => ReturnType<typeof fetchArchive>;
}

/** Gives up at the first attempt that brings nothing. */
const QUICK = { patience: { attempts: 1, pause: 1 } };

/** One answer that breaks off, then no answers at all. */
const BROKEN = { cutAfter: 10_000, answers: 1 };

/** The server is well again. */
function mend({ served }: ArchiveServer): void {
  delete served.cutAfter;
  delete served.answers;
}

/** A server with a sound archive, and a folder to fetch it to. */
async function setting(t: TestContext, behaviour: Partial<ServedFile> = {}): Promise<Setting> {
  const archive = makeArchive(temporaryFolder(t));
  const server = await serveArchive(t, { body: archive, ...behaviour });
  const root = temporaryFolder(t);
  const directory = join(root, "data", "cifar");
  const common = { url: server.url, md5: md5(archive), directory };
  const fetch = (more: Partial<FetchOptions> = {}) =>
    fetchCifar100({ ...common, ...QUICK, ...more });
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

const DATE = "Thu, 26 Nov 2026 10:00:00 GMT";

/** What tells versions of a file apart is asked for: a strong entity tag; a weak one is for no ranges. */
const VERSIONS = [
  { served: { etag: '"one"', lastModified: DATE }, condition: '"one"' },
  { served: { etag: 'W/"one"', lastModified: DATE }, condition: DATE },
  { served: { lastModified: DATE }, condition: DATE },
  { served: {}, condition: undefined },
];

for (const { served, condition } of VERSIONS) {
  test(`a broken download goes on where it stopped: ${JSON.stringify(served)}`, async (t) => {
    const here = await setting(t, { ...BROKEN, ...served });
    const error = await failure(here.fetch(), 1);
    assert.match(error.message, /Fetching http.* failed/);
    assert.match(error.hint ?? "", /goes on where it stopped/);
    assert.ok(!existsSync(here.directory));
    const kept = statSync(here.partial).size;
    assert.ok(kept > 0 && kept <= 10_000, `${kept}`);
    mend(here);
    assert.deepEqual(await here.fetch(), { fetched: true, resumedFrom: kept });
    assert.deepEqual(here.ranges, [undefined, `bytes=${kept}-`, `bytes=${kept}-`]);
    assert.deepEqual(here.conditions, [undefined, condition, condition]);
    assertInPlace(here);
  });
}

test("a server without ranges is asked for all of it again", async (t) => {
  const here = await setting(t, { ...BROKEN, ignoresRanges: true });
  await failure(here.fetch(), 1);
  mend(here);
  assert.deepEqual(await here.fetch(), { fetched: true, resumedFrom: 0 });
  assertInPlace(here);
});

test("a file that changed on the server, or another URL, is downloaded anew", async (t) => {
  const here = await setting(t, { ...BROKEN, body: Buffer.alloc(40_000, 7), etag: '"old"' });
  await failure(here.fetch(), 1);
  Object.assign(here.served, { ...BROKEN, body: here.archive, etag: '"new"' });
  await failure(here.fetch(), 1);
  const other = here.url.replace("/file", "/other");
  mend(here);
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
  const here = await setting(t, BROKEN);
  await failure(here.fetch(), 1);
  mend(here);
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
  const common = { ...QUICK, md5: "0", directory: here.directory };
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

test("a server that breaks off again and again is borne for as long as it brings something", async (t) => {
  const here = await setting(t, { cutAfter: 3000 });
  assert.deepEqual(await here.fetch(), { fetched: true, resumedFrom: 0 });
  assert.ok(here.ranges.length >= here.archive.length / 3000, here.ranges.join());
  assertInPlace(here);
});

test("one that starts anew each time, and never comes to the end, is given up", async (t) => {
  const here = await setting(t, { cutAfter: 3000, ignoresRanges: true });
  const patience = { attempts: 3, pause: 1 };
  assert.match((await failure(here.fetch({ patience }), 1)).message, /Fetching http.* failed/);
  assert.equal(here.ranges.length, 4);
});

test("a busy server is asked again, and what it says cannot command a terminal", async (t) => {
  const here = await setting(t, { status: 503 });
  const { message } = await failure(here.fetch({ patience: { attempts: 2, pause: 1 } }), 1);
  assert.match(message, /failed: the server answered 503 Service Unavailable\./);
  assert.equal(here.ranges.length, 2);
  setTimeout(() => delete here.served.status, 50);
  await here.fetch({ patience: { attempts: 5, pause: 30 } });
  assertInPlace(here);
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
  assert.match(String(reason), /holds something other than the complete CIFAR-100/);
});

test("a damaged note on where the bytes came from is as good as none", async (t) => {
  const here = await setting(t, BROKEN);
  await failure(here.fetch(), 1);
  mend(here);
  const note = `${here.partial}.origin`;
  for (const text of [
    "",
    "null",
    "[]",
    JSON.stringify({ url: here.url, validator: { a: "\r\n" } }),
  ]) {
    writeFileSync(here.partial, here.archive.subarray(0, 5000));
    writeFileSync(note, text);
    await here.fetch();
    assertInPlace(here);
    rmSync(here.directory, { recursive: true });
  }
});

test("what a server says of itself cannot command a terminal", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(
      Buffer.from("HTTP/1.1 404 \x9b2Jgone\x9d0;x\x9c\r\ncontent-length: 0\r\n\r\n", "latin1"),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const directory = join(temporaryFolder(t), "cifar");
  const url = `http://127.0.0.1:${port}/x`;
  const { message } = await failure(fetchCifar100({ ...QUICK, url, md5: "0", directory }), 1);
  assert.match(message, /answered 404 \\x9b2Jgone\\x9d0;x\\x9c\.$/);
});
