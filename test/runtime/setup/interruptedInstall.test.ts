import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runtimeIsReady } from "#pefd/runtime/setup/setUp.js";
import { type FakeMachine, fakeMachine } from "../fakeMachine.js";

const PROGRAM = fileURLToPath(new URL("./installProcess.js", import.meta.url));
/** Long enough for a process to be killed while pip is at work. */
const DOWNLOAD_MILLISECONDS = "1500";

function startInstall({ settings }: FakeMachine): ChildProcess {
  const env = { ...settings.env, FAKE_PAUSE: DOWNLOAD_MILLISECONDS };
  return spawn(process.execPath, [PROGRAM, JSON.stringify({ ...settings, env })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Reads phases until one begins so; fails if none does. */
async function phase(child: ChildProcess, start: string): Promise<void> {
  if (child.stdout === null) throw new Error("no output");
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith(start)) return;
  }
  assert.fail(`the setup ended before "${start}"`);
}

for (const moment of ["Downloading", "Unpacking", "Compiling"]) {
  test(`a setup killed while ${moment.toLowerCase()} is completed by running it again`, async () => {
    const machine = fakeMachine();
    try {
      const first = startInstall(machine);
      await phase(first, moment);
      first.kill("SIGKILL");
      await once(first, "exit");
      await phase(startInstall(machine), "Done");
      assert.equal(runtimeIsReady(machine.packageFolder, machine.settings.env), true);
    } finally {
      machine.remove();
    }
  });
}

test("a setup waits for what a killed one left running", async () => {
  const machine = fakeMachine();
  try {
    const first = startInstall(machine);
    while (machine.log().length === 0) await pause(20);
    first.kill("SIGKILL");
    await once(first, "exit");
    const second = startInstall(machine);
    await phase(second, "Waiting");
    await phase(second, "Done");
    assert.equal(runtimeIsReady(machine.packageFolder, machine.settings.env), true);
  } finally {
    machine.remove();
  }
});

test("of two setups at once one works and the other finds all done", async () => {
  const machine = fakeMachine();
  try {
    const both = [startInstall(machine), startInstall(machine)];
    await Promise.all(both.map((child) => phase(child, "Done")));
    assert.deepEqual(machine.log(), ["download tensorflow-cpu", "build"]);
    assert.equal(runtimeIsReady(machine.packageFolder, machine.settings.env), true);
  } finally {
    machine.remove();
  }
});
