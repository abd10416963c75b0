import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { md5 } from "./archiveServer.js";
import { assertInPlace, BROKEN, failure, fetchCifar100, mend, setting } from "./fetching.js";

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
    assert.match(error.message, /Downloading http.* failed/);
    assert.match(error.hint ?? "", /the download resumes.*Without a network: .*--url.*MD5/);
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

test("a damaged note on where the bytes came from is as good as none", async (t) => {
  const here = await setting(t, BROKEN);
  await failure(here.fetch(), 1);
  mend(here);
  const note = `${here.partial}.origin`;
  for (const text of ["", "null", "[]", JSON.stringify({ url: here.url, validator: { a: "\r\n" } })]) {
    writeFileSync(here.partial, here.archive.subarray(0, 5000));
    writeFileSync(note, text);
    await here.fetch();
    assertInPlace(here);
    rmSync(here.directory, { recursive: true });
  }
});
