import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { sizeOf } from "#pefd/common/shapes.js";
import { float32Tensor, type StateTensor } from "#pefd/common/stateDict.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { stateLayout } from "#pefd/models/survey.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../../report/fakeRuns.js";
import { fakeConfig, fakeResult } from "../results.js";

/** A PATH on which sbatch writes down its words and says job 17, and squeue says what its file holds. */
function fakeSlurm(
  folder: string,
  answer = "echo '17;cluster'",
  queue = `cat ${folder}/queue`,
): Record<string, string> {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const program = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program("sbatch", `printf '%s\\n' "$@" > ${folder}/words; ${answer}`);
  program("squeue", queue);
  return { PATH: `${bin}:${process.env.PATH}` };
}

/** What sbatch was given, the comment first: it is another one each time. */
function wordsOf(cwd: string): string[] {
  const words = readFileSync(join(cwd, "words"), "utf8").trim().split("\n");
  const isComment = (word: string) => word.startsWith("--comment=");
  return [...words.filter(isComment), ...words.filter((word) => !isComment(word))];
}

const SWEEP = ["sweep", "--path_t", "my teachers/resnet8_x/t.pth", "--trials", "1-3"];
/** Makes the first run complete, as training leaves it, with the data and the teacher that it is of. */
async function completeFirst(cwd: string): Promise<void> {
  const { stdout } = await pefd([...SWEEP, "--dry_run", "--json"], { cwd });
  const [{ runDir, options, ...rest }] = JSON.parse(stdout).runs;
  const [data, path_t] = [join(cwd, options.data), join(cwd, options.path_t)];
  await CIFAR100.synthesize(data, { train: 10, test: 10, seed: 1 });
  const teacher = stateLayout(options.model_t).map(({ name, shape }): [string, StateTensor] => [
    name,
    float32Tensor(new Float32Array(sizeOf(shape)), shape),
  ]);
  mkdirSync(dirname(path_t), { recursive: true });
  await writeCheckpoint(path_t, new Map(teacher));
  const run = { ...rest, runDir, options: { ...options, data, path_t } };
  const dir = await writeRun(cwd, runDir, { config: await fakeConfig(run) });
  writeFileSync(...fakeResult(dir, options.epochs));
}

test("a password goes to a job by its environment, and stands in no file and no command line", async (t) => {
  const cwd = temporaryFolder(t);
  const env = fakeSlurm(cwd, `echo "$PEFD_TRACK" > ${cwd}/track; echo 17`);
  const track = "http://me:SECRET@127.0.0.1:9";
  const asked = [...SWEEP, "--launcher", "slurm", "--track", track];
  const { stdout, stderr } = await pefd(asked, { cwd, env });
  assert.equal(stdout, "Submitted 3 of 3 runs as job 17.\n", stderr);
  assert.equal(readFileSync(join(cwd, "track"), "utf8"), `${track}\n`);
  assert.ok(wordsOf(cwd).includes("--export=ALL"));
  const script = readFileSync(join(cwd, "save/sweep/array.sh"), "utf8");
  assert.doesNotMatch(`${script}${wordsOf(cwd)}${stdout}${stderr}`, /SECRET|--track/);
});

test("--launcher slurm submits one task for each run, --status reads their state", async (t) => {
  const cwd = temporaryFolder(t);
  const env = fakeSlurm(cwd);
  const asked = ["--launcher", "slurm", "--partition", "gpu", "--gpus", "1", "--time", "1:00:00"];
  const { stdout, stderr } = await pefd([...SWEEP, ...asked, "--jobs", "2"], { cwd, env });
  assert.equal(stdout, "Submitted 3 of 3 runs as job 17.\n", stderr);
  const [comment, ...words] = wordsOf(cwd);
  assert.match(comment ?? "", /^--comment=pefd-[0-9a-f]{12}$/);
  assert.deepEqual(words, [
    "--parsable",
    "--requeue",
    "--job-name=pefd",
    "--open-mode=append",
    "--array=0-2%2",
    "--output=save/sweep/%A_%a.log",
    "--partition=gpu",
    "--gpus=1",
    "--time=1:00:00",
    "save/sweep/array.sh",
  ]);
  const script = readFileSync(join(cwd, "save/sweep/array.sh"), "utf8");
  assert.match(
    script,
    /\n1\) exec \S+ \S+pefd\.js distill --path_t 'my teachers\/resnet8_x\/t\.pth' --trial 2 --resume ;;\n/,
  );

  writeFileSync(join(cwd, "queue"), "17_0 RUNNING\n17_1 PENDING\n99_2 RUNNING\n");
  await completeFirst(cwd);
  const status = await pefd([...SWEEP, "--status", "--json"], { cwd, env });
  assert.deepEqual(
    JSON.parse(status.stdout).runs.map((run: Record<string, unknown>) => [
      run.state,
      run.task,
      run.epochsDone,
      run.reason,
    ]),
    [
      ["complete", "17_0", 240, null],
      ["PENDING", "17_1", 0, null],
      ["failed", "17_2", 0, "it was cancelled before it started"],
    ],
  );

  const again = await pefd([...SWEEP, ...asked], { cwd, env });
  assert.equal(again.stdout, "Submitted 1 of 3 runs as job 17.\n");
  assert.match(readFileSync(join(cwd, "words"), "utf8"), /^--array=0-0$/m, "no limit of its own");
});

test("without sbatch, --launcher slurm says so", async (t) => {
  const cwd = temporaryFolder(t);
  const args = [...SWEEP, "--launcher", "slurm"];
  const { exitCode, stderr } = await pefd(args, { cwd, env: { PATH: cwd } });
  assert.equal(exitCode, 3);
  assert.match(stderr, /sbatch cannot be started: .*ENOENT/);
});

/** Submits where sbatch and squeue answer oddly. */
async function submitted(cwd: string, answer: string, queue: string) {
  const env = fakeSlurm(cwd, answer, queue);
  const ended = await pefd([...SWEEP, "--launcher", "slurm"], { cwd, env });
  return { ...ended, env };
}

test("an sbatch of many words is understood, and the lines of a site beside its answer", async (t) => {
  for (const answer of ["echo Welcome; echo; echo '  17;cluster  '", "echo 17; echo 'charged: 3 h'"]) {
    const cwd = temporaryFolder(t);
    const { stdout, stderr } = await submitted(cwd, answer, "true");
    assert.equal(stdout, "Submitted 3 of 3 runs as job 17.\n", stderr);
    assert.ok(readdirSync(join(cwd, "save/sweep")).includes("17.json"));
  }
});

test("an sbatch that says nothing: the job is found by its comment, or the way to find it is told", async (t) => {
  const found = temporaryFolder(t);
  const mark = `sed -n 's/^--comment=//p' ${found}/words`;
  const queue = `echo "1 other"; echo "23 $(${mark})"`;
  const { stdout, stderr } = await submitted(found, "true", queue);
  assert.equal(stdout, "Submitted 3 of 3 runs as job 23.\n", stderr);
  const lost = temporaryFolder(t);
  const ended = await submitted(lost, "printf '\\033]0;odd\\007 ../../etc\\n'", "echo '1 other'");
  assert.equal(ended.exitCode, 1);
  assert.match(ended.stderr, /printed no job ID: "\\x1b\]0;odd\\x07 \.\.\/\.\.\/etc"/);
  assert.match(ended.stderr, /the comment pefd-[0-9a-f]{12} by `squeue --me/);
  assert.deepEqual(readdirSync(join(lost, "save/sweep")), ["array.sh"]);
});

test("a squeue of odd words is taken as far as it can be, and shown as what it is", async (t) => {
  const cwd = temporaryFolder(t);
  const queue = "printf '17_0 RUNNING\\n17_1\\n\\033[2J\\n17_2 \\033]0;x\\007\\nslurm: 17_9 down\\n'";
  const { env } = await submitted(cwd, "echo 17", queue);
  const { exitCode, stdout, stderr } = await pefd([...SWEEP, "--status"], { cwd, env });
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /trial 1 +RUNNING +17_0/);
  assert.match(stdout, /trial 2 +failed +17_1/);
  assert.doesNotMatch(stdout, /[^\P{Cc}\n]/u);
});

test("an sbatch that refuses is told in its own words, and no job is written down", async (t) => {
  const cwd = temporaryFolder(t);
  const refusal = "echo 'sbatch: error: invalid partition specified: gpu' >&2; exit 1";
  const { exitCode, stderr } = await submitted(cwd, refusal, "true");
  assert.equal(exitCode, 1);
  assert.match(stderr, /sbatch rejected the sweep: sbatch: error: invalid partition specified: gpu\./);
  assert.deepEqual(readdirSync(join(cwd, "save/sweep")), ["array.sh"]);
});
