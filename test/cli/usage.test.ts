import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { writeRun } from "../report/fakeRuns.js";

const cwd = mkdtempSync(join(tmpdir(), "pefd-usage-"));
after(() => rmSync(cwd, { recursive: true }));

const TEACHER = "resnet32x4_vanilla/ckpt_epoch_240.pth";

/** What is typed after `pefd`, and what the sentence must say. */
const CASES: readonly (readonly [typed: string, sentence: RegExp])[] = [
  ["", /No command given\.[\s\S]*pefd distill/],
  ["nonsense", /Unknown command: nonsense\./],
  ["distil", /Unknown command: distil\. Did you mean distill\?/],
  ["config", /pefd config needs a subcommand[\s\S]*Type one of: .* config list/],
  ["distill --data", /--data needs a value[\s\S]*--data DIR/],
  ["report --csv", /--csv needs a value[\s\S]*--csv FILE\|-/],
  ["sweep none.json", /No such file: .*none\.json/],
  ["sweep method", /Unknown preset: method\. Did you mean methods\?/],
  ["distill --config ./options.yaml", /No such file/],
  ["convert a.pth -", /writes to files, not to stdout/],
  ["config lisst", /Unknown command: config lisst\. Did you mean config list\?/],
  ["--epochs 3 distill", /The command must come first, before --epochs/],
  ["distill --frobnicate", /pefd distill has no flag --frobnicate\.[\s\S]*pefd distill --help/],
  ["distill --epoch 3", /no flag --epoch\. Did you mean --epochs\?/],
  ["distill --batch-siz 3", /no flag --batch-siz\. Did you mean --batch_size\?/],
  ["distill -x 3", /no flag -x/],
  ["eval --epochs 3", /pefd eval has no flag --epochs/],
  ["distill stray", /unexpected argument "stray"/],
  ["distill --epochs", /--epochs needs a value/],
  ["distill --epochs 1 --epochs many", /--epochs takes an integer.*"many"/],
  ["distill --epochs --resume", /--epochs needs a value/],
  [`distill --epochs abc --path_t ${TEACHER}`, /--epochs takes an integer.*"abc"/],
  [`distill --learning_rate -1 --path_t ${TEACHER}`, /--learning_rate takes a number, above 0.*"-1"/],
  [`distill --kd-T=-1e5`, /--kd_T takes a number, above 0; "-1e5"/],
  [`distill --path_t ${TEACHER} --kd_T NaN`, /--kd_T.*"NaN"/],
  [`distill --path_t ${TEACHER} --batch_size 0`, /--batch_size.*"0"/],
  [`distill --model_s resnet8x5 --path_t ${TEACHER}`, /unknown model resnet8x5\. Did you mean resnet8x4/],
  [`distill --distill our --path_t ${TEACHER}`, /unknown method our\. Did you mean ours/],
  [`distill --gpu 1.5 --path_t ${TEACHER}`, /--gpu takes an integer/],
  ["distill --resume=maybe", /--resume is a switch and takes no value; "maybe"/],
  ["distill --resume maybe", /unexpected argument "maybe"/],
  ["distill", /needs a teacher: give its checkpoint with --path_t/],
  ["distill --config smoke", /No teacher resnet14 in[\s\S]*pefd\.js train-teacher --config smoke/],
  ["distill --config smok", /Unknown preset: smok\. Did you mean smoke\?/],
  ["distill --config none.json", /No such file: .*none\.json/],
  ["eval", /needs a checkpoint: give its file with --checkpoint/],
  ["train-teacher --model resnet9", /unknown model resnet9/],
];

for (const [typed, sentence] of CASES) {
  test(`pefd ${typed}`, async () => {
    const { exitCode, stdout, stderr } = await pefd(typed.split(" ").filter(Boolean), { cwd });
    assert.match(stderr, sentence);
    assert.doesNotMatch(stderr, /\n\s+at |node:internal/);
    assert.equal(stdout, "");
    assert.equal(exitCode, 2);
  });
}

test("refusals leave nothing behind", () => {
  assert.deepEqual(readdirSync(cwd), []);
});

test("--debug shows the stack trace, before and after the command's name", async () => {
  for (const words of [
    ["--debug", "nonsense"],
    ["distill", "--epochs", "x", "--debug"],
  ]) {
    const { exitCode, stderr } = await pefd(words, { cwd });
    assert.match(stderr, /\n\s+at .*\.js/);
    assert.equal(exitCode, 2);
  }
});

test("a wrong environment variable is named", async () => {
  const { exitCode, stderr } = await pefd(["distill"], { cwd, env: { PEFD_EPOCHS: "many" } });
  assert.match(stderr, /PEFD_EPOCHS takes an integer.*"many"/);
  assert.equal(exitCode, 2);
});

test("a misspelt environment variable is a warning, with --quiet, too", async () => {
  const env = { PEFD_EPOCH: "3" };
  const told = await pefd(["data", "fetch", "--url", "nothing"], { cwd, env });
  assert.match(told.stderr, /^warning: PEFD_EPOCH has no effect\. Did you mean PEFD_EPOCHS\?\n/);
  const quiet = await pefd(["data", "fetch", "--url", "nothing", "--quiet"], { cwd, env });
  assert.match(quiet.stderr, /^warning: PEFD_EPOCH has no effect/);
});

test("--quiet keeps the warning of a run that a report leaves out, and drops what is no warning", async (t) => {
  const folder = temporaryFolder(t);
  await writeRun(folder, "unfinished", { epochs: 2, done: 1 });
  mkdirSync(join(folder, "damaged"));
  writeFileSync(join(folder, "damaged/config.json"), '{"kind": "dist');
  writeFileSync(join(folder, "damaged/epochs.csv"), "epoch\n");
  const { stderr } = await pefd(["report", folder, "--quiet"], { cwd });
  assert.match(stderr, /^warning: \S+damaged\/config\.json is corrupt.*\n$/);
});
