import assert from "node:assert/strict";
import { readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const MODEL = "save/models/resnet8_cifar100_lr_0.05_decay_0.0005_trial_1/resnet8_last.safetensors";
// The last batch of 5 images is uneven.
const RUN =
  "distill --model_s resnet8 --distill ours --data data --epochs 2 --batch_size 30 --precision float32 --json";

/** A folder with images and a teacher. */
async function prepared(t: Parameters<typeof temporaryFolder>[0]): Promise<string> {
  const cwd = temporaryFolder(t);
  const made = await pefd("data synthesize --out data --train 65 --test 20 --seed 0".split(" "), { cwd });
  assert.equal(made.exitCode, 0, made.stderr);
  const taught = await pefd("train-teacher --model resnet8 --data data --epochs 1".split(" "), { cwd });
  assert.equal(taught.exitCode, 0, taught.stderr);
  return cwd;
}

/** The words of a running process; none once it has ended. */
function commandOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean);
  } catch {
    return [];
  }
}

/** Kills process 1 of a run once its folder has the first epoch. */
function killWorkerAfterEpoch(cwd: string, folder: string): void {
  const watcher = watch(cwd, { recursive: true }, (_, file) => {
    if (!file?.startsWith(folder) || !file.endsWith("epochs.csv")) return;
    watcher.close();
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const words = commandOf(pid);
      if (words.includes(folder) && words.at(-1) === "--quiet") process.kill(Number(pid), "SIGKILL");
    }
  });
}

test("two processes give the same weights at every start, and after one was killed", async (t) => {
  const cwd = await prepared(t);
  const run = (...more: string[]) => pefd([...RUN.split(" "), "--path_t", join(cwd, MODEL), ...more], { cwd });
  const weightsOf = async (...more: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(...more);
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout).weightsSha256;
  };
  const whole = await weightsOf("--devices", "2", "--save_dir", "whole");
  assert.notEqual(await weightsOf("--save_dir", "alone"), whole);
  killWorkerAfterEpoch(cwd, "killed");
  const killed = await run("--devices", "2", "--epochs", "40", "--save_dir", "killed");
  assert.equal(killed.exitCode, 1);
  assert.match(
    killed.stderr,
    /Process 1 of 2 was killed by SIGKILL; the others cannot go on without it\.\n {2}Resume with/,
  );
  const again = ["--devices", "2", "--save_dir", "again"];
  await weightsOf(...again, "--epochs", "1");
  assert.equal(await weightsOf(...again, "--resume"), whole);
});
