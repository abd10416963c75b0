import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { writeRun } from "../report/fakeRuns.js";
import { fakeResult } from "./results.js";

/** A PATH on which sbatch writes down its words and says job 17, and squeue says what its file holds. */
function fakeSlurm(folder: string): Record<string, string> {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const program = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program("sbatch", `printf '%s\\n' "$@" > ${folder}/words; echo '17;cluster'`);
  program("squeue", `cat ${folder}/queue`);
  return { PATH: `${bin}:${process.env.PATH}` };
}

const SWEEP = ["sweep", "--path_t", "my teachers/resnet8_x/t.pth", "--trials", "1-3"];
/** Makes the first run complete, as training leaves it. */
async function completeFirst(cwd: string): Promise<void> {
  const { stdout } = await pefd([...SWEEP, "--dry_run", "--json"], { cwd });
  const [{ runDir, options }] = JSON.parse(stdout).runs;
  const dir = await writeRun(cwd, runDir, { config: options });
  writeFileSync(...fakeResult(dir, options.epochs));
}

test("--launcher slurm submits one task for each run, --status reads their state", async (t) => {
  const cwd = temporaryFolder(t);
  const env = fakeSlurm(cwd);
  const asked = ["--launcher", "slurm", "--partition", "gpu", "--gpus", "1", "--time", "1:00:00"];
  const { stdout, stderr } = await pefd([...SWEEP, ...asked, "--jobs", "2"], { cwd, env });
  assert.equal(stdout, "Submitted 3 of 3 runs as job 17.\n", stderr);
  assert.deepEqual(readFileSync(join(cwd, "words"), "utf8").trim().split("\n"), [
    ...["--parsable", "--requeue", "--job-name=pefd", "--open-mode=append", "--array=0-2%2"],
    ...["--output=save/sweep/%A_%a.log", "--partition=gpu", "--gpus=1", "--time=1:00:00"],
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
      ...[run.state, run.task, run.epochsDone, run.reason],
    ]),
    [
      ["complete", "17_0", 240, null],
      ["PENDING", "17_1", 0, null],
      ["failed", "17_2", 0, "it was ended before it began"],
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
