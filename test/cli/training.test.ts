import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { ROOT } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const SMALL = ["--data", "data", "--limit_train", "40", "--limit_test", "20", "--batch_size", "20"];
const TEACHER = ["train-teacher", "--model", "resnet8", ...SMALL];
const TEACHER_RUN = "save/models/resnet8_cifar100_lr_0.05_decay_0.0005_trial_1_limit_test:20_limit_train:40";
const STUDENT_RUN = "save/student_model/S:resnet8_T:resnet8_cifar100_ours_r:1_a:0_b:25_1_limit_test:20_limit_train:40";

test("a teacher, a student and their evaluation, as typed", async (t) => {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });

  const teacher = await pefd([...TEACHER, "--epochs", "1", "--num_workers", "8"], { cwd });
  assert.equal(teacher.exitCode, 0, teacher.stderr);
  assert.match(teacher.stdout, new RegExp(`^Run folder +${TEACHER_RUN}\nLast top-1 +\\d+\\.\\d\\d %`));
  assert.match(teacher.stderr, /\nepoch 1\/1 .*test loss/);
  const line = /Evaluate {5}node (.*)\n/.exec(teacher.stdout)?.[1] ?? assert.fail();
  const [, ...typed] = line.split(" ");
  const checked = await pefd([...typed, "--json"], { cwd });
  const last = /Last top-1 +(\S+) %/.exec(teacher.stdout)?.[1];
  assert.equal(JSON.parse(checked.stdout).top1.toFixed(2), last, "on the images of the run");

  const distill = ["distill", "--model_t", "resnet8", "--model_s", "resnet8", ...SMALL];
  const student = await pefd([...distill, "--epochs", "1", "--json", "--quiet"], { cwd });
  assert.deepEqual([student.exitCode, student.stderr], [0, ""]);
  const { runDir, epochs, test: tested, weightsSha256 } = JSON.parse(student.stdout);
  assert.deepEqual([runDir, epochs], [STUDENT_RUN, 1]);
  assert.match(weightsSha256, /^[0-9a-f]{64}$/);

  const again = await pefd([...distill, "--epochs", "1"], { cwd });
  assert.match(again.stderr, /already exists\.\n {2}Continue it with --resume/);
  assert.equal(again.exitCode, 2);

  const changed = [...distill, "--epochs", "1", "--weight_decay", "0"];
  const other = await pefd(changed, { cwd });
  assert.match(
    other.stderr,
    /already holds another run: --weight_decay was 0\.0005 and is now 0\.\n {2}Choose another --save_dir/,
  );

  const checkpoint = `${STUDENT_RUN}/resnet8_last.safetensors`;
  const evaluate = ["eval", "--checkpoint", checkpoint, "--data", "data", "--limit_test", "20"];
  const evaluated = await pefd([...evaluate, "--json"], { cwd });
  assert.equal(evaluated.exitCode, 0, evaluated.stderr);
  const { model, n, top1, loss } = JSON.parse(evaluated.stdout);
  assert.deepEqual([model, n, top1], ["resnet8", 20, tested.top1]);
  assert.ok(Math.abs(loss - tested.loss) < 1e-4);
});

test("Ctrl-C keeps what is done, says how to go on, and that line ends in the same weights", async (t) => {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });
  const words = [...TEACHER, "--epochs", "12", "--deterministic"];
  const whole = JSON.parse((await pefd([...words, "--save_dir", "whole", "--json"], { cwd })).stdout);

  // As `timeout` does it: the signal reaches the process twice, alone and with its group.
  const own = { cwd, detached: true };
  const child = spawn(process.execPath, [resolve(ROOT, "bin/pefd.js"), ...words, "--json"], own);
  const stop = () => child.kill("SIGINT") && process.kill(-(child.pid as number), "SIGINT");
  let stderr = "";
  let told = false;
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    stderr += part;
    if (!told && /\nepoch +1\/12/.test(stderr)) told = stop();
  });
  const [exitCode] = await once(child, "close");
  assert.equal(exitCode, 130, stderr);
  const next = /Resume with: node \S+pefd\.js (.*)\n/.exec(stderr)?.[1] ?? assert.fail(stderr);
  assert.deepEqual(next.split(" "), [...words, "--json", "--resume"]);
  assert.match(stderr, /\nKept in .*: \d+ epochs? and \d+ steps? of the next\.\n/);
  for (const name of ["result.json", "run.lock"]) {
    assert.ok(!existsSync(join(cwd, TEACHER_RUN, name)), name);
  }

  const resumed = await pefd(next.split(" "), { cwd });
  assert.equal(resumed.exitCode, 0, resumed.stderr);
  assert.match(resumed.stderr, /\nResuming after epoch \d+( and (all )?\d steps? of epoch \d+)?\.\n/);
  assert.equal(JSON.parse(resumed.stdout).weightsSha256, whole.weightsSha256);
  assert.deepEqual(
    readdirSync(join(cwd, TEACHER_RUN)).filter((file) => /tmp|partial/.test(file)),
    [],
  );
});
