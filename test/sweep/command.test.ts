import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const SMALL = ["--data", "data", "--batch_size", "50", "--limit_test", "100"];

/** A folder with a little data and a teacher of resnet8. */
async function prepared(folder: string): Promise<string> {
  const sizes = ["--train", "100", "--test", "100"];
  await pefd(["data", "synthesize", "--out", "data", ...sizes], { cwd: folder });
  const trained = await pefd(["train-teacher", "--model", "resnet8", "--epochs", "1", ...SMALL, "--quiet"], {
    cwd: folder,
  });
  assert.equal(trained.exitCode, 0, trained.stderr);
  return folder;
}

const sweep = (...own: readonly string[]) => [
  "sweep",
  "--model_t",
  "resnet8",
  "--model_s",
  "resnet8",
  ...SMALL,
  ...own,
];

/** Starts a sweep and kills it, and it alone, once its first run is at work. */
async function killDuring(args: readonly string[], cwd: string, runDir: string): Promise<void> {
  const child = spawn(process.execPath, [resolve(ROOT, "bin/pefd.js"), ...args], {
    cwd,
    stdio: "ignore",
  });
  const ended = new Promise((done) => child.on("close", done));
  while (child.exitCode === null && !existsSync(join(cwd, runDir, "run.lock"))) await sleep(20);
  child.kill("SIGKILL");
  await ended;
}

/** What the table says about runs, without how long they took. */
const figures = (stdout: string) =>
  JSON.parse(stdout).experiments.map(
    ({
      secondsPerRun: _seconds,
      msPerStep: _milliseconds,
      ...rest
    }: object & {
      secondsPerRun: number;
      msPerStep: number;
    }) => rest,
  );

test("a sweep killed and typed again ends in the table of one that was left alone", async (t) => {
  const folder = await prepared(temporaryFolder(t));
  const once = sweep("--distill", "ours,kd", "--trials", "1", "--epochs", "3", "--json");
  const first = "save/student_model/S:resnet8_T:resnet8_cifar100_ours_r:1_a:0_b:25_1_limit_test:100";
  await killDuring(once, folder, first);
  const again = await pefd(once, { cwd: folder });
  assert.equal(again.exitCode, 0, again.stderr);
  const teacher = ["--path_t", readConfig(folder, first).path_t as string];
  const alone = await pefd([...once, ...teacher, "--save_dir", "alone"], { cwd: folder });
  assert.equal(alone.exitCode, 0, alone.stderr);
  const renamed = alone.stdout.replaceAll("alone/student_model", "save/student_model");
  assert.deepEqual(figures(again.stdout), figures(renamed));
  assert.equal(figures(again.stdout).length, 2);

  const third = await pefd(once, { cwd: folder });
  assert.deepEqual(
    JSON.parse(third.stdout).sweep.map(({ state }: { state: string }) => state),
    ["skipped", "skipped"],
  );
});

const readConfig = (folder: string, runDir: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, runDir, "config.json"), "utf8"));

test("runs that fail are told in a table, exit code 1; the others count", async (t) => {
  const folder = temporaryFolder(t);
  await pefd(["data", "synthesize", "--out", "data", "--train", "100", "--test", "100"], {
    cwd: folder,
  });
  const args = ["sweep", "--path_t", "none.pth", "--model_t", "resnet8", ...SMALL];
  const { exitCode, stderr, stdout } = await pefd([...args, "--model_s", "resnet8"], {
    cwd: folder,
  });
  assert.equal(exitCode, 1);
  assert.match(stderr, /error: 1 of 1 runs failed/);
  assert.match(stderr, /resnet8 -> resnet8, ours, trial 1 {2}error: .*none\.pth/);
  assert.doesNotMatch(stderr, /defect/);
  assert.match(stdout, /^Teacher +Model/);
});

test("--print writes one command for each run, as a shell takes it", async (t) => {
  const args = ["sweep", "--path_t", "my teachers/resnet8_x/t.pth", "--trials", "1-2", "--print"];
  const { exitCode, stdout, stderr } = await pefd(args, { cwd: temporaryFolder(t) });
  assert.equal(exitCode, 0, stderr);
  const line = (trial: number) => ` distill --path_t 'my teachers/resnet8_x/t.pth' --trial ${trial} --resume`;
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((text) => text.replace(/^node \S*pefd\.js/, ""));
  assert.deepEqual(lines, [line(1), line(2)]);
});

test("--dry_run shows the runs and starts none", async (t) => {
  const folder = temporaryFolder(t);
  const args = ["sweep", "--path_t", "resnet8_x/t.pth", "--num_proj", "0,1", "--dry_run"];
  const { stdout } = await pefd(args, { cwd: folder });
  assert.match(stdout, /resnet8 -> resnet8x4, ours, num_proj=1, trial 1 {2}no +save\/.*_1_num_proj:1\n/);
  assert.equal(existsSync(join(folder, "save")), false);
});

test("a misspelt method is refused before anything is written", async (t) => {
  const folder = temporaryFolder(t);
  const args = ["sweep", "--path_t", "resnet8_x/t.pth", "--distill", "ours,kdd"];
  const { exitCode, stderr } = await pefd(args, { cwd: folder });
  assert.equal(exitCode, 2);
  assert.match(stderr, /--distill: unknown method kdd/);
});
