import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DATASETS } from "#pefd/data/registry.js";
import { spreadOf, tellRest } from "../helpers/matrices.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** Images of the runs: a whole batch and a short one. */
const IMAGES = { train: 12, test: 6, seed: 5, classes: 3 };

interface Result {
  readonly runDir: string;
  readonly weightsSha256: string;
  readonly test: { readonly loss: number };
}

const { cases, rest } = spreadOf(DATASETS.rows(), 2);
for (const { name, synthesize, format } of cases) {
  test(`${name}: trained, resumed to the same bytes, distilled, evaluated and verified`, async (t) => {
    if (synthesize === undefined) return t.skip(`there are no synthetic images for ${name}`);
    if (format.height > 96) return t.skip(`${name} needs a larger model than this test has`);
    const cwd = temporaryFolder(t);
    await synthesize(join(cwd, "images"), IMAGES);
    const run = async (words: readonly string[]) => {
      const ended = await pefd(words, { cwd });
      assert.equal(ended.exitCode, 0, `${words.join(" ")}: ${ended.stderr}`);
      return ended.stdout;
    };
    const where = ["--dataset", name, "--data", "images"];
    const train = async (words: readonly string[], epochs: string): Promise<Result> => {
      const usual = ["--batch_size", "8", "--learning_rate", "0.01", "--precision", "float32"];
      const told = ["--epochs", epochs, "--json", "--quiet"];
      return JSON.parse(await run([...words, ...where, ...usual, ...told])) as Result;
    };
    const teacher = ["train-teacher", "--model", "resnet8"];
    const whole = await train([...teacher, "--save_dir", "whole"], "2");
    await train([...teacher, "--save_dir", "parts"], "1");
    const parts = await train([...teacher, "--save_dir", "parts", "--resume"], "2");
    assert.equal(parts.weightsSha256, whole.weightsSha256);

    const weights = join(whole.runDir, "resnet8_last.safetensors");
    const student = ["distill", "--path_t", weights, "--model_s", "resnet8", "--distill", "ours"];
    const { runDir } = await train([...student, "--save_dir", "whole"], "1");
    await run(["verify", runDir]);

    // The checkpoint tells the data set; its folder is named.
    const files = ["--per_class", "classes.csv", "--confusion", "confusion.csv"];
    const words = ["eval", "--checkpoint", weights, "--data", "images", "--json", ...files];
    const evaluation = JSON.parse(await run(words)) as { loss: number; n: number };
    assert.equal(evaluation.n, IMAGES.test);
    assert.ok(Math.abs(evaluation.loss - whole.test.loss) < 1e-5 * whole.test.loss);
    const lines = readFileSync(join(cwd, "classes.csv"), "utf8").trimEnd().split("\n");
    const names = await DATASETS.row(name).classNames(join(cwd, "images"));
    assert.equal(lines.length, 1 + names.length);
    await run(["convert", weights, "exported"]);
    await run(["data", "verify", name, "--data", "images"]);
  });
}

tellRest(rest);
