import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isGone, ownMark } from "#pefd/common/processMark.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { ROOT } from "../helpers/paths.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { writeRun } from "../report/fakeRuns.js";

const PEFD = `${process.execPath} ${join(ROOT, "bin/pefd.js")}`;

/** Runs a line of a shell that may hold redirections and limits; ended by SIGKILL after half a minute. */
function shell(line: string, cwd: string, env: Record<string, string> = {}) {
  const { status, stdout, stderr, signal } = spawnSync("bash", ["-c", line], {
    cwd,
    encoding: "utf8",
    timeout: 60_000,
    killSignal: "SIGKILL",
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
  assert.equal(signal, null, `${line} did not end`);
  return { exitCode: status, stdout, stderr };
}

const TRAIN = "train-teacher --model resnet8 --epochs 1 --data data --batch_size 20";

test("a full disk below stderr does not end a run; one below stdout is told", async (t) => {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });
  const { exitCode, stdout } = shell(`${PEFD} ${TRAIN} --print_freq 1 2>/dev/full`, cwd);
  assert.equal(exitCode, 0);
  assert.match(stdout, /^Run folder {3}save\/models\//);
  const full = shell(`${PEFD} report > /dev/full`, cwd);
  assert.equal(full.exitCode, 1);
  assert.match(full.stderr, /The standard output cannot be written: the disk is full\./);
});

test("a place that takes no folders is refused at once, wherever a folder is made", async (t) => {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });
  await writeRun(join(cwd, "save"), "run", { top1: [1] });
  for (const line of [
    `${TRAIN} --save_dir /proc/x`,
    "data synthesize --out /proc/x/y --train 2 --test 2",
    "report --svg /proc/x/y",
  ]) {
    const { exitCode, stderr } = shell(`${PEFD} ${line}`, cwd);
    assert.match(stderr, /The folder \/proc\/x\S* cannot be made: no folders can be created here\./);
    assert.equal(exitCode, 2, stderr);
  }
});

test("a folder for temporary files that is not there is named, with what to do", async (t) => {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });
  const { exitCode, stderr } = shell(`${PEFD} ${TRAIN}`, cwd, { TMPDIR: "/nonexistent" });
  assert.match(stderr, /temporary files, \/nonexistent, cannot be used: .*\n {2}Set TMPDIR/);
  assert.equal(exitCode, 3);
});

test("a temporary folder that a killed process left goes, any other stays", async (t) => {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });
  const tmp = join(cwd, "tmp");
  const gone = ownMark().replace(/-\d+-/, "-4194999-");
  assert.ok(isGone(gone));
  const elsewhere = gone.replace(/^\w+/, "0badcafe");
  const kept = [`pefd-graph-${ownMark()}-abcdef`, `pefd-graph-${elsewhere}-abcdef`, "pefd-graph-x"];
  for (const name of [...kept, `pefd-graph-${gone}-abcdef`]) {
    mkdirSync(join(tmp, name, "inside"), { recursive: true });
  }
  symlinkSync(join(cwd, "data"), join(tmp, `pefd-graph-${gone}-ghijkl`));
  const { exitCode, stderr } = shell(`${PEFD} ${TRAIN}`, cwd, { TMPDIR: tmp });
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(readdirSync(tmp).sort(), kept.sort());
  assert.ok(existsSync(join(cwd, "data/train.bin")), "a link's target is none of it");
});

test("too few open files are refused before anything is done, with the command that gives more", (t) => {
  const cwd = temporaryFolder(t);
  for (const limit of [20, 24, 64, 300]) {
    const { exitCode, stderr } = shell(`ulimit -n ${limit}; ${PEFD} models`, cwd);
    assert.match(stderr, /^pefd needs 512 open files at a time; this shell allows \d+\.\nType: ulimit -n 512\n$/);
    assert.equal(exitCode, 3);
  }
  assert.equal(shell(`ulimit -n 512; ${PEFD} --version`, cwd).exitCode, 0);
});
