import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { before, type TestContext, test } from "node:test";
import type { PefdError } from "#pefd/common/errors.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { hooksStoppingAfter, silentHooks, smallData, teacherOptions } from "../runs.js";
import { snapshot } from "../snapshot.js";
import { holder } from "./processes.js";

before(() => {
  loadTensorFlow();
});

/** A complete run of one epoch, options to replace it by one of two, and what it left. */
async function complete(t: TestContext) {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const options = teacherOptions(folder, { epochs: 1, tb_freq: 1 });
  const { runDir } = await runTeacher(options, silentHooks());
  const aside = join(dirname(runDir), `.${basename(runDir)}.replaced`);
  return { folder, runDir, aside, force: { ...options, epochs: 2, force: true } };
}

const result = (runDir: string) => JSON.parse(readFileSync(join(runDir, "result.json"), "utf8"));
const beside = (runDir: string) => readdirSync(dirname(runDir));

test("--force keeps the run before until the first epoch of the new one is kept", async (t) => {
  const { runDir, aside, force } = await complete(t);
  const seen: boolean[] = [];
  const look = () => {
    seen.push(existsSync(join(aside, "result.json")));
  };
  await runTeacher(force, silentHooks({ stepDone: look, epochDone: look }));
  assert.deepEqual(seen, [true, true, true, false, false, false, false, false]);
  assert.equal(result(runDir).epochs, 2);
  assert.deepEqual(beside(runDir), [basename(runDir)]);
});

test("a run that cannot be set aside stays, and it is said why", async (t) => {
  const { runDir, aside, force } = await complete(t);
  const kept = snapshot(runDir);
  symlinkSync("nowhere", aside);
  await assert.rejects(runTeacher(force, silentHooks()), (error: PefdError) => {
    assert.match(error.message, /_trial_1 could not be renamed to .*_trial_1\.replaced: ENOTDIR/);
    return error.exitCode === 1;
  });
  assert.deepEqual(snapshot(runDir), kept);
});

test("a run that cannot start leaves the one that it was to replace", async (t) => {
  const { runDir, force } = await complete(t);
  const kept = snapshot(runDir);
  const { TMPDIR } = process.env;
  process.env.TMPDIR = "/nonexistent"; // where a program is written for the native library to read
  t.after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  await assert.rejects(runTeacher(force, silentHooks()));
  assert.deepEqual(snapshot(runDir), kept);
  assert.deepEqual(beside(runDir), [basename(runDir)]);
});

test("a run that fails in its first epoch leaves the one that it was to replace", async (t) => {
  const { runDir, force } = await complete(t);
  const kept = snapshot(runDir);
  const failing = silentHooks({
    stepDone: () => {
      throw new Error("failed");
    },
  });
  await assert.rejects(runTeacher(force, failing), { message: "failed" });
  assert.deepEqual(snapshot(runDir), kept);
});

test("a run stopped in its first epoch goes on, and then replaces the other", async (t) => {
  const { runDir, aside, force } = await complete(t);
  await assert.rejects(runTeacher(force, hooksStoppingAfter(1, 2)), { message: "stopped" });
  assert.equal(result(aside).epochs, 1);
  await runTeacher({ ...force, force: false, resume: true }, silentHooks());
  assert.equal(result(runDir).epochs, 2);
  assert.deepEqual(beside(runDir), [basename(runDir)]);
});

test("--force typed twice keeps the run that is worth something", async (t) => {
  const { runDir, aside, force } = await complete(t);
  await assert.rejects(runTeacher(force, hooksStoppingAfter(1, 2)), { message: "stopped" });
  await assert.rejects(runTeacher(force, hooksStoppingAfter(1, 1)), { message: "stopped" });
  assert.equal(result(aside).epochs, 1);
  assert.deepEqual(beside(runDir).sort(), [basename(aside), basename(runDir)].sort());
});

const MOMENTS: readonly [what: string, leave: (runDir: string, aside: string) => void][] = [
  ["after the first rename", (runDir, aside) => renameSync(runDir, aside)],
  [
    "before the new run's folder holds anything",
    (runDir, aside) => {
      renameSync(runDir, aside);
      mkdirSync(runDir);
    },
  ],
  [
    "before the new run has kept anything",
    (runDir, aside) => {
      cpSync(runDir, aside, { recursive: true });
      for (const name of ["resume.safetensors", "result.json"]) rmSync(join(runDir, name));
    },
  ],
  [
    "while the run before was coming back",
    (runDir, aside) => {
      cpSync(runDir, aside.replace(/replaced$/, "discarded"), { recursive: true });
      renameSync(runDir, aside);
    },
  ],
];

for (const [what, leave] of MOMENTS) {
  test(`a --force killed ${what} loses nothing`, async (t) => {
    const { runDir, aside, force } = await complete(t);
    const kept = snapshot(runDir).map(({ name, size }) => ({ name, size }));
    leave(runDir, aside);
    await assert.rejects(runTeacher({ ...force, force: false }, silentHooks()), {
      message: /already exists/,
    });
    assert.deepEqual(
      snapshot(runDir).map(({ name, size }) => ({ name, size })),
      kept,
    );
    assert.deepEqual(beside(runDir), [basename(runDir)]);
  });
}

test("a process that ends at once gives the folder back, and the run that it was to replace", async (t) => {
  const { runDir, force } = await complete(t);
  const kept = snapshot(runDir);
  const acts: (() => void)[] = [];
  const atExit = (act: () => void) => {
    acts.push(act);
    return () => acts.splice(0);
  };
  const seen: unknown[] = [];
  const end = () => {
    for (const act of acts) act();
    seen.push(snapshot(runDir));
    throw new Error("ended");
  };
  const hooks = { ...silentHooks({ stepDone: end }), atExit };
  await assert.rejects(runTeacher(force, hooks), { message: "ended" });
  assert.deepEqual(seen, [kept]);
  assert.deepEqual([acts, beside(runDir)], [[], [basename(runDir)]]);
});

test("--force does not touch a run in which another process works", async (t) => {
  const { runDir, force } = await complete(t);
  const other = await holder(runDir);
  const kept = snapshot(runDir);
  await assert.rejects(runTeacher(force, silentHooks()), {
    exitCode: 2,
    message: `Process ${other.child.pid} is working in ${runDir}.`,
  });
  assert.deepEqual(snapshot(runDir), kept);
  await other.release();
});
