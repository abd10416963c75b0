import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../cifar/recordFiles.js";
import { assertInPlace, failure, fetchCifar100, QUICK, setting } from "./fetching.js";

test("a missing file, no server and no URL are told apart", async (t) => {
  const here = await setting(t, { status: 404 });
  assert.match((await failure(here.fetch(), 1)).message, /answered 404 Not Found/);
  const common = { ...QUICK, md5: "0", directory: here.directory };
  const closed = fetchCifar100({ ...common, url: "http://127.0.0.1:1/x" });
  assert.match((await failure(closed, 1)).message, /ECONNREFUSED/);
  for (const url of ["nonsense", "file:///etc/hostname"]) {
    const { message } = await failure(fetchCifar100({ ...common, url }), 2);
    assert.match(message, /not an http or https URL/);
  }
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
  const retryPolicy = { attempts: 3, pause: 1 };
  assert.match((await failure(here.fetch({ retryPolicy }), 1)).message, /Downloading http.* failed/);
  assert.equal(here.ranges.length, 4);
});

test("a busy server is asked again, and what it says cannot command a terminal", async (t) => {
  const here = await setting(t, { status: 503 });
  const { message } = await failure(here.fetch({ retryPolicy: { attempts: 2, pause: 1 } }), 1);
  assert.match(message, /failed: the server answered 503 Service Unavailable\./);
  assert.equal(here.ranges.length, 2);
  setTimeout(() => delete here.served.status, 50);
  await here.fetch({ retryPolicy: { attempts: 5, pause: 30 } });
  assertInPlace(here);
});

test("what a server says of itself cannot command a terminal", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(Buffer.from("HTTP/1.1 404 \x9b2Jgone\x9d0;x\x9c\r\ncontent-length: 0\r\n\r\n", "latin1"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const directory = join(temporaryFolder(t), "cifar");
  const url = `http://127.0.0.1:${port}/x`;
  const { message } = await failure(fetchCifar100({ ...QUICK, url, md5: "0", directory }), 1);
  assert.match(message, /answered 404 \\x9b2Jgone\\x9d0;x\\x9c\.$/);
});
