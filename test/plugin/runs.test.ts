import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { datasetText, methodText, written } from "./files.js";

const SMALL = ["--dataset", "speckles", "--model_t", "resnet8", "--model_s", "resnet8", "--quiet"];
const RUN = "save/student_model/S:resnet8_T:resnet8_speckles_mine_r:1_a:0_b:1_1";

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

test("a method and a data set from elsewhere: train, resume, sweep, report, analyze, eval, verify", async (t) => {
  const folder = temporaryFolder(t);
  const method = written(folder, "mine.mjs", methodText("mine"));
  const dataset = written(folder, "speckles.mjs", datasetText("speckles"));
  const cwd = temporaryFolder(t);
  const both = ["--plugin", `${method},${dataset}`];
  const type = (...words: readonly string[]) => pefd(words, { cwd });
  async function typed(...words: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await type(...words);
    assert.equal(exitCode, 0, `${words.join(" ")}\n${stdout}\n${stderr}`);
    return stdout;
  }
  const distill = ["distill", ...both, "--distill", "mine", ...SMALL];
  const config = () => JSON.parse(readFileSync(join(cwd, RUN, "config.json"), "utf8"));

  await t.test("help, dry runs and lists have them", async () => {
    assert.match(await typed("distill", ...both, "--distill", "mine", "--help"), /Method mine:\n +--mine_scale/);
    const { options } = JSON.parse(await typed(...distill, "--dry_run", "--json"));
    assert.deepEqual([options.beta, options.mine_scale, options.batch_size], [1, 1, 8]);
    const preset = ["--config", "resnet32x4-resnet8x4-mine", "--dry_run"];
    assert.match(await typed("distill", ...both, ...preset), /distill +mine +preset/);
  });

  await t.test("they train, and the run tells which files it used", async () => {
    await typed("train-teacher", "--plugin", dataset, "--dataset", "speckles", "--model", "resnet8");
    await typed(...distill);
    assert.deepEqual(config().plugins, [
      { path: method, sha256: sha256(method) },
      { path: dataset, sha256: sha256(dataset) },
    ]);
    const teacher = join(cwd, "save/models", readdirSync(join(cwd, "save/models"))[0] as string);
    const { plugins } = JSON.parse(readFileSync(join(teacher, "config.json"), "utf8"));
    assert.deepEqual(plugins, [{ path: dataset, sha256: sha256(dataset) }]);
  });

  await t.test("it goes on to what an uninterrupted run of two epochs has", async () => {
    await typed(...distill, "--epochs", "2", "--resume");
    await typed(...distill, "--epochs", "2", "--save_dir", "whole", "--path_t", teacherFile(cwd));
    const weights = (run: string) => sha256(join(cwd, run, "resnet8_last.safetensors"));
    assert.equal(weights(RUN), weights(RUN.replace("save", "whole")));
  });

  await t.test("a sweep gives its runs the plug-ins, and leaves what is complete", async () => {
    const states = async (...words: readonly string[]) => {
      const rest = [...SMALL, "--epochs", "2", "--trials", "1", "--json"];
      const { sweep } = JSON.parse(await typed("sweep", ...both, ...words, ...rest));
      return (sweep as { state: string }[]).map(({ state }) => state);
    };
    assert.deepEqual(await states("--distill", "mine", "--mine_scale", "1,2"), ["skipped", "done"]);
    assert.deepEqual(await states("--distill", "mine,kd"), ["skipped", "done"]);
  });

  await t.test("reports need no plug-in; analyze, eval and verify take it", async () => {
    assert.match(await typed("report", "save"), /^resnet8 +resnet8 +mine /m);
    assert.match(await typed("analyze", ...both, "--last", "--run", RUN), /^resnet8_last +2 /m);
    const checkpoint = join(RUN, "resnet8_last.safetensors");
    assert.match(await typed("eval", "--plugin", dataset, "--checkpoint", checkpoint), /top-1|Top-1/);
    assert.match(await typed("verify", ...both, RUN), /plug-in/);
  });

  await t.test("without --plugin what to type is told", async () => {
    const plain = ["distill", "--distill", "mine", "--resume"];
    const { exitCode, stderr } = await type(...plain);
    assert.equal(exitCode, 2);
    assert.match(stderr, /unknown method mine/);
    assert.ok(stderr.includes(`add --plugin ${method} --plugin ${dataset}`), stderr);
    const evaluated = await type("eval", "--checkpoint", join(RUN, "resnet8_last.safetensors"));
    assert.match(evaluated.stderr, /unknown data set speckles/);
    assert.ok(evaluated.stderr.includes(`--plugin ${dataset}`), evaluated.stderr);
    const verified = await type("verify", RUN, "--plugin", dataset);
    assert.match(verified.stdout, /plug-in +not all were given; the run was made with --plugin/);
    const analyzed = await type("analyze", "--run", RUN);
    assert.ok(analyzed.stderr.includes(`--plugin ${dataset}`), analyzed.stderr);
  });

  await t.test("a changed plug-in is another run", async () => {
    appendFileSync(method, "\n// changed\n");
    const { exitCode, stderr } = await type(...distill, "--epochs", "3", "--resume");
    assert.equal(exitCode, 2);
    assert.match(stderr, /cannot be resumed as another run: the plug-in: \w{8} then, \w{8} now/);
    const swept = await type("sweep", ...both, "--distill", "mine", ...SMALL, "--epochs", "2", "--trials", "1");
    assert.match(swept.stderr, /holds another run: the plug-in: /);
    assert.match((await type("verify", ...both, RUN)).stdout, /plug-in/);
  });
});

/** The teacher that was trained below a folder. */
function teacherFile(cwd: string): string {
  const models = join(cwd, "save/models");
  return join(models, readdirSync(models)[0] as string, "resnet8_last.safetensors");
}

test("a bug in a loss is the plug-in's, with its stack trace", async (t) => {
  const folder = temporaryFolder(t);
  const method = written(folder, "mine.mjs", methodText("mine", { body: "at.nothing.here;" }));
  const dataset = written(folder, "speckles.mjs", datasetText("speckles"));
  const teacher = ["train-teacher", "--plugin", dataset, "--dataset", "speckles"];
  await pefd([...teacher, "--model", "resnet8"], { cwd: folder });
  const words = ["distill", "--plugin", `${dataset},${method}`, "--distill", "mine", ...SMALL];
  const { exitCode, stderr } = await pefd(words, { cwd: folder });
  assert.equal(exitCode, 1);
  assert.match(stderr, /Error in the plug-in .*mine\.mjs: TypeError: Cannot read/);
  assert.match(stderr, /^ +at .*mine\.mjs:\d+:\d+/m);
  assert.doesNotMatch(stderr, /defect of pefd/);
});
