import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { interruptible } from "#pefd/cli/interrupt.js";

const SCRIPT = fileURLToPath(new URL("./interruptChild.js", import.meta.url));

/** Waits until the child has said the text. */
function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((done) => {
    let all = "";
    child.stdout?.on("data", (part: Buffer) => {
      all += part;
      if (all.includes(text)) done();
    });
  });
}

async function start(manner: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SCRIPT, manner], { stdio: ["ignore", "pipe", "inherit"] });
  await said(child, "ready");
  return child;
}

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  test(`${signal} lets work end in order, with exit code ${exitCode}`, async () => {
    const child = await start("early");
    child.kill(signal);
    assert.deepEqual(await once(child, "exit"), [exitCode, null]);
  });
}

test("work that was all but done at the signal is done", async () => {
  const child = await start("done");
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("a second signal ends the process at once", async () => {
  const child = await start("stubborn");
  child.kill("SIGINT");
  await said(child, "heard SIGINT");
  await sleep(1200);
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [143, null]);
});

test("signals of one moment are one: what is done is kept", async () => {
  const child = await start("slow");
  child.kill("SIGTERM");
  await said(child, "heard SIGTERM");
  child.kill("SIGTERM");
  child.kill("SIGHUP");
  await said(child, "kept");
  assert.deepEqual(await once(child, "exit"), [143, null]);
});

test("work that is not interrupted returns its result and leaves no listener", async () => {
  const before = process.listenerCount("SIGINT");
  assert.equal(await interruptible(async () => 7), 7);
  await assert.rejects(
    interruptible(async () => {
      throw new Error("own");
    }),
    /own/,
  );
  assert.equal(process.listenerCount("SIGINT"), before);
});
