import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { missingSlurm, type Slurm, startSlurm } from "./slurmCluster.js";

const SMALL = ["--data", "data", "--batch_size", "20"];
// Slurm replaces percent signs in the names of logs.
const SAVE = "my 5%a runs";
const runFolder = (trial: number) => `${SAVE}/student_model/S:resnet8_T:resnet8_cifar100_ours_r:1_a:0_b:25_${trial}`;

/** A sweep of a student of resnet8, and the Slurm to which it is submitted. */
interface Scene {
  readonly slurm: Slurm;
  readonly cwd: string;
  /** `pefd sweep` over these trials for so many epochs. @returns what it prints */
  sweep(trials: string, epochs: number, ...flags: readonly string[]): Promise<string>;
  /** What `--status --json` says of each run: state, task, epochs done. */
  states(trials: string, epochs: number): Promise<[string, string | null, number][]>;
  path(...parts: readonly string[]): string;
}

async function prepare(t: TestContext, slurm: Slurm): Promise<Scene> {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });
  const teacher = ["train-teacher", "--model", "resnet8", "--epochs", "1", "--json", ...SMALL];
  const trained = await pefd(teacher, { cwd });
  assert.equal(trained.exitCode, 0, trained.stderr);
  const path_t = `${JSON.parse(trained.stdout).runDir}/resnet8_last.safetensors`;
  const pair = ["--path_t", path_t, "--model_t", "resnet8", "--model_s", "resnet8"];
  const sweep: Scene["sweep"] = async (trials, epochs, ...flags) => {
    const size = ["--trials", trials, "--epochs", String(epochs), "--save_dir", SAVE, ...SMALL];
    const words = ["sweep", ...pair, ...size, ...flags];
    const env = { ...slurm.env, SBATCH_ACCOUNT: "lab" };
    const { exitCode, stdout, stderr } = await pefd(words, { cwd, env });
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  const states: Scene["states"] = async (trials, epochs) => {
    const { runs } = JSON.parse(await sweep(trials, epochs, "--status", "--json"));
    return runs.map((run: Record<string, unknown>) => [run.state, run.task, run.epochsDone]);
  };
  return { slurm, cwd, sweep, states, path: (...parts) => join(cwd, ...parts) };
}

const PATIENCE_MS = 120_000;

/** Looks again until it is so; fails with what it saw last. */
async function until<Seen>(look: () => Seen, isSo: (seen: Seen) => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (let seen = look(); !isSo(seen); seen = look()) {
    if (Date.now() > end) assert.fail(`waited in vain; the last was ${JSON.stringify(seen)}`);
    await sleep(200);
  }
}

/** Slurm's own words about its tasks: "PENDING PENDING RUNNING". */
function queue({ slurm }: Scene): string {
  const words = slurm.ask("squeue", "--array", "--noheader", "--format=%T");
  return words.split("\n").sort().join(" ");
}

const untilQueue = (scene: Scene, words: string) =>
  until(
    () => queue(scene),
    (seen) => seen === words,
  );

const ASKED = ["--launcher", "slurm", "--partition", "small", "--gpus", "1", "--time", "5"];

async function submitsAsAsked(scene: Scene): Promise<void> {
  // A file where the second run's folder is to be: that run will fail.
  mkdirSync(dirname(scene.path(runFolder(2))), { recursive: true });
  writeFileSync(scene.path(runFolder(2)), "in the way");
  scene.slurm.hold(true);
  const said = await scene.sweep("1-3", 1, ...ASKED, "--jobs", "1");
  assert.equal(said, "Submitted 3 of 3 runs as job 1.\n");
  const job = scene.slurm.ask("scontrol", "show", "job", "1");
  assert.match(job, /\bPartition=small\b/);
  assert.match(job, /\bTimeLimit=00:05:00\b/);
  assert.match(job, /\bTresPerJob=gres\/gpu:1\b/);
  assert.match(job, /\bArrayTaskThrottle=1\b/);
  assert.match(job, /\bAccount=lab\b/, "sbatch's own variables");
}

async function tellsWhatWaits(scene: Scene): Promise<void> {
  await untilQueue(scene, "PENDING PENDING RUNNING");
  assert.deepEqual(await scene.states("1-3", 1), [
    ["RUNNING", "1_0", 0],
    ["PENDING", "1_1", 0],
    ["PENDING", "1_2", 0],
  ]);
  assert.equal(
    await scene.sweep("1-3", 1, "--launcher", "slurm"),
    "Nothing to submit of 3 runs: 0 complete, 3 in Slurm's queue.\n",
  );
}

async function tellsWhatFailed(scene: Scene): Promise<void> {
  scene.slurm.hold(false);
  await untilQueue(scene, "");
  assert.deepEqual(await scene.states("1-3", 1), [
    ["complete", "1_0", 1],
    ["failed", "1_1", 0],
    ["complete", "1_2", 1],
  ]);
  const shown = await scene.sweep("1-3", 1, "--status");
  assert.match(
    shown,
    /, trial 2 {2}my 5%a runs\/sweep\/1_1\.log {2}error: .*b:25_2 cannot be made: a file is in the way/,
  );
  const log = readFileSync(scene.path(SAVE, "sweep/1_2.log"), "utf8");
  assert.match(log, /^task 1_2 on \S+, .*\nLast top-1 +\d/s);
}

async function submitsWhatIsLeft(scene: Scene): Promise<void> {
  rmSync(scene.path(runFolder(2)));
  const again = () => scene.sweep("1-3", 1, "--launcher", "slurm");
  const job = /^Submitted 1 of 3 runs as job (\d+)\.\n$/.exec(await again())?.[1];
  await untilQueue(scene, "");
  assert.deepEqual(await scene.states("1-3", 1), [
    ["complete", "1_0", 1],
    ["complete", `${job}_0`, 1],
    ["complete", "1_2", 1],
  ]);
  assert.equal(await again(), "Nothing to submit of 3 runs: 3 complete, 0 in Slurm's queue.\n");
}

/** Epochs that are logged; the first line of epochs.csv names its columns. */
const epochsIn = (scene: Scene, trial: number): number => {
  const file = scene.path(runFolder(trial), "epochs.csv");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length - 1 : 0;
};

async function goesOnAfterRequeue(scene: Scene): Promise<void> {
  const said = await scene.sweep("4-5", 200, "--launcher", "slurm", "--jobs", "1");
  const job = /as job (\d+)\.\n$/.exec(said)?.[1] ?? assert.fail(said);
  scene.slurm.ask("scontrol", "hold", `${job}_1`);
  const log = () => readFileSync(scene.path(SAVE, `sweep/${job}_0.log`), "utf8");
  const epochs = () => epochsIn(scene, 4);
  await until(epochs, (count) => count > 0);
  scene.slurm.ask("scontrol", "requeue", `${job}_0`);
  await until(log, (text) => /Stopped by SIGTERM.*, resuming at epoch \d+;/s.test(text));

  const before = epochs();
  await until(epochs, (count) => count > before);
  scene.slurm.ask("scancel", job);
  await untilQueue(scene, "");
  const shown = await scene.sweep("4-5", 200, "--status");
  assert.match(shown, /, trial 4 {2}my 5%a runs\/sweep\/\d+_0\.log {2}slurmstepd\S+ error: .*CANCELLED/);
  assert.match(shown, /, trial 5 {2}- +it was cancelled before it started/);
  const [first, second] = await scene.states("4-5", 200);
  assert.deepEqual(first, ["failed", `${job}_0`, epochs()]);
  assert.deepEqual(second, ["failed", `${job}_1`, 0]);
}

test("a sweep by a real Slurm of one node", { skip: missingSlurm() }, async (t) => {
  const slurm = await startSlurm(t);
  if (typeof slurm === "string") return t.skip(slurm);
  const scene = await prepare(t, slurm);
  await t.test("partition, GPUs, time and jobs are passed on", () => submitsAsAsked(scene));
  await t.test("--status tells what waits and runs", () => tellsWhatWaits(scene));
  await t.test("--status tells what failed, and why", () => tellsWhatFailed(scene));
  await t.test("the same sweep submits what is left", () => submitsWhatIsLeft(scene));
  await t.test("a task queued again goes on; a cancelled one is told", () => goesOnAfterRequeue(scene));
});
