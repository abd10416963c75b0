import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { LOCK_FILE, type Owner, sealedText } from "#pefd/runFiles/stateFile.js";
import { lockRunFolder, ourselves, workingProcess } from "#pefd/train/claim/lock.js";
import { faultEnvironment, faultShim } from "../../faults/shim.js";
import { ROOT } from "../../helpers/paths.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { holder, ownNamespace, withoutKernelLocks } from "./processes.js";

/** A run's folder with a lock in it. */
function locked(t: TestContext, owner: Partial<Owner> = {}): string {
  const folder = join(temporaryFolder(t), "run");
  mkdirSync(folder);
  writeFileSync(join(folder, LOCK_FILE), sealedText({ ...ourselves(true), ...owner }));
  return folder;
}

test("the lock of a process at work holds, and that of a killed one is taken over", async (t) => {
  const folder = temporaryFolder(t);
  const other = await holder(folder);
  assert.equal(other.said, "locked");
  assert.equal(workingProcess(folder), other.child.pid);
  assert.throws(() => lockRunFolder(folder), {
    exitCode: 2,
    message: `Process ${other.child.pid} is working in ${folder}.`,
  });
  assert.deepEqual(readdirSync(folder), [LOCK_FILE]);
  await other.kill();
  const lock = lockRunFolder(folder);
  lock.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("the kernel keeps the lock: nobody has to look for the process", async (t) => {
  const folder = temporaryFolder(t);
  const other = await holder(folder);
  const owner = JSON.parse(readFileSync(join(folder, LOCK_FILE), "utf8"));
  if (!owner.held) t.skip("no flock here");
  // Even with a record of a process that nobody can see.
  const { checksum: _, ...record } = owner;
  writeFileSync(join(folder, LOCK_FILE), sealedText({ ...record, namespace: "pid:[1]" }));
  assert.throws(() => lockRunFolder(folder), {
    message: `Process ${other.child.pid} of another container on this machine is working in ${folder}.`,
  });
  await other.kill();
  lockRunFolder(folder).release();
});

test("a process claims a folder once", (t) => {
  const folder = temporaryFolder(t);
  const lock = lockRunFolder(folder);
  assert.throws(() => lockRunFolder(folder), { exitCode: 2 });
  lock.release();
  lock.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("a lock whose process number belongs to a later process is taken over", (t) => {
  lockRunFolder(locked(t, { started: "1" })).release();
});

test("a lock from before this machine was started again is taken over", (t) => {
  lockRunFolder(locked(t, { boot: "4d0a", pid: 4711 })).release();
});

const UNSEEN: readonly [what: string, owner: Partial<Owner>, name: string][] = [
  ["another machine", { host: "node17", boot: "4d0a" }, "Process 4711 on node17"],
  [
    ...(["another PID namespace", { namespace: "pid:[17]", held: false }] as const),
    "Process 4711 of another container on this machine",
  ],
  [
    ...(["a machine of which nothing is known", { boot: "" }] as const),
    `Process 4711 on another machine named ${hostname()}`,
  ],
];

for (const [what, owner, name] of UNSEEN) {
  test(`a lock of ${what} is not judged, and what to type is said`, (t) => {
    const folder = locked(t, { pid: 4711, started: "1", ...owner });
    const before = readFileSync(join(folder, LOCK_FILE), "utf8");
    assert.throws(() => lockRunFolder(folder), {
      exitCode: 2,
      message: `${name} is working in ${folder}, or was killed there.`,
      hint: `Wait for it, or stop it there. If it is gone: rm ${join(folder, LOCK_FILE)}, then type this again.`,
    });
    assert.deepEqual(readdirSync(folder), [LOCK_FILE]);
    assert.equal(readFileSync(join(folder, LOCK_FILE), "utf8"), before);
    assert.equal(workingProcess(folder), undefined);
  });
}

test("a damaged lock is told, and left to people", (t) => {
  const folder = locked(t);
  for (const text of ["", "null", "[]", '{"pid":-1}', "\u0000"]) {
    writeFileSync(join(folder, LOCK_FILE), text);
    assert.throws(() => lockRunFolder(folder), {
      exitCode: 2,
      message: /run\.lock is damaged .* so a process may be working/,
      hint: /^If none is: rm /,
    });
    assert.deepEqual(readdirSync(folder), [LOCK_FILE]);
  }
});

test("a lock by which somebody else took the folder stays", (t) => {
  const folder = temporaryFolder(t);
  const lock = lockRunFolder(folder);
  rmSync(join(folder, LOCK_FILE));
  writeFileSync(join(folder, LOCK_FILE), sealedText({ ...ourselves(true), host: "node17" }));
  lock.release();
  assert.deepEqual(readdirSync(folder), [LOCK_FILE]);
});

const namespace = ownNamespace();

test("another PID namespace's process is told apart", { skip: namespace.missing }, async (t) => {
  const folder = temporaryFolder(t);
  const other = await holder(folder, namespace.words);
  assert.equal(other.said, "locked");
  assert.throws(() => lockRunFolder(folder), {
    exitCode: 2,
    message: /^Process \d+ of another container on this machine is working in/,
  });
  await other.kill();
  lockRunFolder(folder).release();
});

test("without the kernel's lock another PID namespace's process is not judged", {
  skip: namespace.missing,
}, async (t) => {
  const base = temporaryFolder(t);
  const folder = join(base, "run");
  mkdirSync(folder);
  const env = withoutKernelLocks(base);
  const other = await holder(folder, namespace.words, env);
  assert.equal(other.said, "locked");
  const here = await holder(folder, [], env);
  assert.match(here.said, /^Process \d+ of another container .*, or was killed there\.$/);
  await other.kill();
  assert.match((await holder(folder, [], env)).said, /or was killed there/);
});

const shim = faultShim();

/** Claims a folder at a given moment; a file marks who has it, so that a second one would be noticed. */
const RACER = `
  import { rmSync, writeFileSync } from "node:fs";
  import { lockRunFolder } from "#pefd/train/claim/lock.js";
  const [folder, mark, start] = process.argv.slice(1);
  while (Date.now() < Number(start));
  try {
    lockRunFolder(folder);
    writeFileSync(mark, "", { flag: "wx" });
    console.log("locked");
    setTimeout(() => process.exit(), 3000);
  } catch (error) {
    if (error.exitCode !== 2) throw error;
  }`;

/** How many of some processes claim a folder with a dead lock, all in one moment. */
async function winners(base: string, own: Record<string, string | undefined>): Promise<number> {
  const folder = join(base, "run");
  mkdirSync(folder);
  // Every system call is made late, so that whoever looks before it leaps looks at what is no longer so.
  const env = { ...own, ...faultEnvironment(shim.library, { folder, at: 1, how: "delay" }) };
  const dead = { ...ourselves(true), started: "1" };
  writeFileSync(join(folder, LOCK_FILE), sealedText(dead));
  const start = String(Date.now() + 800);
  const words = ["--input-type=module", "-e", RACER, folder, join(folder, "mark"), start];
  const said = Array.from({ length: 4 }, async () => {
    const child = spawn(process.execPath, words, { cwd: ROOT, env });
    const ended = new Promise((done) => child.on("close", done));
    const [said, problems] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
    assert.equal(await ended, 0, problems.join(""));
    return said.join("");
  });
  return (await Promise.all(said)).filter((text) => text !== "").length;
}

for (const [what, environment] of [
  ["with the kernel's locks", () => process.env],
  ["without them", withoutKernelLocks],
] as const) {
  const title = `of processes that take over a lock in the same moment one does, ${what}`;
  test(title, { skip: shim.missing }, async (t) => {
    const base = temporaryFolder(t);
    assert.equal(await winners(base, environment(base)), 1);
  });
}
