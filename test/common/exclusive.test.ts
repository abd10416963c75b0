import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { exclusively } from "#pefd/common/exclusive.js";

const KEY = `test ${process.pid}`;

test("work of one key is done one after the other, of two keys at once", async () => {
  const seen: string[] = [];
  const work = (name: string) => async () => {
    seen.push(`${name} begins`);
    await new Promise((done) => setTimeout(done, 50));
    seen.push(`${name} ends`);
    return name;
  };
  let waited = 0;
  const onWait = () => waited++;
  const both = await Promise.all([exclusively(KEY, { onWait }, work("a")), exclusively(KEY, { onWait }, work("b"))]);
  assert.deepEqual(both, ["a", "b"]);
  assert.equal(waited, 1);
  const first = seen[0]?.slice(0, 1);
  assert.equal(seen[1], `${first} ends`);
  seen.length = 0;
  await Promise.all([exclusively(KEY, {}, work("a")), exclusively(`${KEY}2`, {}, work("b"))]);
  assert.deepEqual(seen.slice(0, 2).sort(), ["a begins", "b begins"]);
});

test("work that fails leaves the key to the next", async () => {
  await assert.rejects(
    exclusively(KEY, {}, () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await exclusively(KEY, {}, async () => 1), 1);
});

test("one who waits can be stopped", async () => {
  const stop = new AbortController();
  const held = exclusively(KEY, {}, () => new Promise((done) => setTimeout(done, 300)));
  const onWait = () => stop.abort(new Error("enough"));
  const waiting = exclusively(KEY, { signal: stop.signal, onWait }, async () => assert.fail());
  await assert.rejects(waiting, /enough/);
  await held;
});

test("a process that is killed leaves the key to the next", async () => {
  const module = new URL(import.meta.resolve("#pefd/common/exclusive.js")).href;
  const code = `import { exclusively } from ${JSON.stringify(module)};
    await exclusively(${JSON.stringify(KEY)}, {}, () => { console.log("held"); return new Promise((done) => setTimeout(done, 60_000)); });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code]);
  await once(child.stdout, "data");
  let waited = false;
  const next = exclusively(KEY, { onWait: () => (waited = child.kill("SIGKILL")) }, async () => 1);
  assert.equal(await next, 1);
  assert.ok(waited);
});
