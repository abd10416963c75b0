import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withMany } from "../helpers/matrices.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { type Recipe, recipes } from "./recipe.js";
import { testedCopy } from "./testedCopy.js";

const SMALL = ["--data", "data", "--batch_size", "10", "--limit_test", "50", "--quiet"];
const CWD = [
  "distill",
  "--model_t",
  "resnet8",
  "--model_s",
  "resnet8x4",
  "--distill",
  "cwd",
  "--epochs",
  "2",
  "--tb_freq",
  "1",
  ...SMALL,
];
const FOLDER = "save/student_model/S:resnet8x4_T:resnet8_cifar100_cwd_r:1_a:0_b:50_1_limit_test:50";

async function assertDone(ended: Promise<{ exitCode: number | null; stderr: string }>) {
  const { exitCode, stderr } = await ended;
  assert.equal(exitCode, 0, stderr);
}

const weights = (folder: string, runDir: string) =>
  ["resnet8x4_last.safetensors", "resnet8x4_last_projectors.safetensors"].map((file) =>
    readFileSync(join(folder, runDir, file)),
  );

test("a method with an option of its own is one file and one row", { skip: withMany }, async (t) => {
  const scratch = testedCopy(t);
  scratch.apply(recipes().find(({ title }) => title === "A method") as Recipe);
  await assertDone(scratch.build());
  await assertDone(scratch.buildTests());
  const folder = temporaryFolder(t);
  const pefd = (...args: string[]) => scratch.pefd(args, folder);
  const sizes = ["--train", "50", "--test", "50"];
  await assertDone(pefd("data", "synthesize", "--out", "data", ...sizes));
  await assertDone(pefd("train-teacher", "--model", "resnet8", "--epochs", "1", ...SMALL));

  await t.test("help tells it under its name, with its option", async () => {
    const { stdout } = await pefd("distill", "--help");
    assert.match(stdout, /Method cwd:\n +--cwd_layer/);
  });

  await t.test("it runs, its folder tells the option, its terms are logged", async () => {
    await assertDone(pefd(...CWD));
    await assertDone(pefd(...CWD, "--cwd_layer", "1"));
    assert.ok(existsSync(join(folder, `${FOLDER}_cwd_layer:1`, "result.json")));
    assert.match(readFileSync(join(folder, FOLDER, "epochs.csv"), "utf8"), /,train_ce,train_channels\n/);
  });

  await t.test("killed, it goes on to the same bytes", async () => {
    const again = [...CWD, "--save_dir", "again", "--path_t", teacherOf(folder)];
    const runDir = FOLDER.replace("save/", "again/");
    const child = scratch.start(again, folder);
    const ended = new Promise((done) => child.on("close", done));
    while (!existsSync(join(folder, runDir, "resume.safetensors"))) await sleep(5);
    child.kill("SIGKILL");
    await ended;
    await assertDone(pefd(...again, "--resume"));
    assert.deepEqual(weights(folder, runDir), weights(folder, FOLDER));
  });

  await t.test("it resumes with its own option only", async () => {
    const words = [...CWD, "--cwd_layer", "1", "--resume", "--engine", "graph"];
    await assertDone(pefd(...words));
    const { exitCode, stderr } = await pefd(...CWD, "--cwd_layer", "9");
    assert.deepEqual([exitCode, /--cwd_layer takes an integer/.test(stderr)], [2, true]);
  });

  await t.test("a sweep over its option does not repeat what is done; a report parts the values", async () => {
    const [, ...words] = CWD;
    await assertDone(pefd("sweep", ...words, "--cwd_layer", "1,2,3", "--trials", "1"));
    const { stdout } = await pefd("report", "save/student_model", "--json");
    const { experiments } = JSON.parse(stdout);
    const layers = experiments.map((one: { differs: Record<string, unknown> }) => one.differs.cwd_layer);
    assert.deepEqual(layers.sort(), [1, 2, 3]);
  });

  await t.test("the project's own tests of methods take it in without an edit", async () => {
    const { exitCode, stdout } = await scratch.test("distill/registry", "distill/views");
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /cwd looks at what its row names/);
  });
});

/** The file of the teacher that was trained below a folder. */
function teacherOf(folder: string): string {
  const models = join(folder, "save/models");
  return join(models, readdirSync(models)[0] as string, "resnet8_last.safetensors");
}
