import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { synthesize } from "#pefd/data/folder/row.js";
import { pefd } from "../../helpers/pefd.js";

const IMAGES = { train: 12, test: 6, seed: 5, classes: 3 };
const IMAGES_OF = ["--dataset", "folder", "--data", "images"];
const WHERE = [...IMAGES_OF, "--image_size", "32"];

const cwd = mkdtempSync(join(tmpdir(), "pefd-folder-commands-"));
after(() => rmSync(cwd, { recursive: true }));

const run = (words: readonly string[]) => pefd(words, { cwd });

/** What a command prints that is to end well. */
async function printed(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(words);
  assert.equal(exitCode, 0, `${words.join(" ")}: ${stderr}`);
  return stdout;
}

interface Result {
  readonly runDir: string;
  readonly weightsSha256: string;
  readonly test: { readonly loss: number };
}

/** Of a checkpoint. */
interface Finding {
  readonly n: number;
  readonly mda: number;
}

async function train(words: readonly string[], epochs: number, ...more: string[]): Promise<Result> {
  const usual = ["--batch_size", "8", "--learning_rate", "0.01", "--epochs", String(epochs)];
  // As an evaluation computes, whatever the processor.
  const precision = ["--precision", "float32"];
  const all = [...words, ...WHERE, ...usual, ...precision, "--json", "--quiet", ...more];
  return JSON.parse(await printed(...all)) as Result;
}

const TEACHER = ["train-teacher", "--model", "resnet8"];
const student = (weights: string) => ["distill", "--path_t", weights, "--model_s", "resnet8", "--distill", "ours"];

describe("a small model on images in folders, shown in 32x32", () => {
  let teacher: Result;
  let distilled: Result;
  let weights: string;

  before(async () => {
    await synthesize(join(cwd, "images"), IMAGES);
    teacher = await train(TEACHER, 2);
    weights = join(teacher.runDir, "resnet8_last.safetensors");
    distilled = await train(student(weights), 2, "--save_freq", "1");
  });

  it("is resumed to the same bytes with other threads, and refuses another image size", async () => {
    await train(TEACHER, 1, "--save_dir", "parts", "--num_workers", "0");
    const words = ["--save_dir", "parts", "--num_workers", "3", "--resume"];
    const parts = await train(TEACHER, 2, ...words);
    assert.equal(parts.weightsSha256, teacher.weightsSha256);
    const other = [...TEACHER, ...IMAGES_OF, "--batch_size", "8", "--learning_rate", "0.01"];
    const sizes = [...other, "--save_dir", "parts", "--resume", "--epochs", "3"];
    const { exitCode, stderr } = await run([...sizes, "--image_size", "64"]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /--image_size was 32 and is now 64/);
  });

  it("64 is another run than 32; the data set's own size is the same as none", async () => {
    const short = ["--batch_size", "8", "--epochs", "1", "--save_dir", "larger", "--json"];
    const words = [...TEACHER, ...IMAGES_OF, "--image_size", "64", ...short];
    const { runDir } = JSON.parse(await printed(...words)) as Result;
    const config = JSON.parse(readFileSync(join(cwd, runDir, "config.json"), "utf8"));
    assert.equal(config.image_size, 64);
    const dry = ["train-teacher", "--model", "RESNET18", "--dataset", "folder", "--dry_run"];
    assert.equal(await printed(...dry, "--image_size", "224"), await printed(...dry));
  });

  it("says how small models get to see large images", async () => {
    const { exitCode, stderr } = await run([...TEACHER, "--dataset", "folder", "--data", "images"]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /resnet8 expects 32x32.*224x224/s);
    assert.match(stderr, /--image_size 32/);
    const cifar = await run([...TEACHER, "--dataset", "cifar10", "--image_size", "64"]);
    assert.equal(cifar.exitCode, 2);
    assert.match(cifar.stderr, /--image_size 64: the images of cifar10 are 32x32/);
  });

  it("is evaluated and converted by what its checkpoint tells, and verified", async () => {
    const file = await readCheckpoint(join(cwd, weights));
    assert.equal(file.metadata.image_size, 32);
    const words = ["eval", "--checkpoint", weights, "--data", "images", "--json"];
    const files = ["--per_class", "classes.csv", "--confusion", "confusion.svg"];
    const evaluation = JSON.parse(await printed(...words, ...files));
    assert.equal(evaluation.n, IMAGES.test);
    const off = Math.abs(evaluation.loss - teacher.test.loss);
    assert.ok(off < 1e-5 * teacher.test.loss, `${evaluation.loss} and ${teacher.test.loss}`);
    // The same where the data set is named, too, and another number with images of another size.
    const named = JSON.parse(await printed(...words, "--dataset", "folder"));
    assert.equal(named.loss, evaluation.loss);
    const other = JSON.parse(await printed(...words, "--image_size", "64"));
    assert.notEqual(other.loss, evaluation.loss);
    await printed("convert", weights, "served");
    const served = JSON.parse(await printed("eval", "--checkpoint", "served", "--data", "images", "--json"));
    assert.equal(served.loss, evaluation.loss);
    await printed("verify", distilled.runDir);
  });

  it("is analysed: all checkpoints of the run, and one file", async () => {
    const analyzed = async (...words: string[]) =>
      JSON.parse(await printed("analyze", ...words, "--json")).checkpoints as Finding[];
    const findings = await analyzed("--run", distilled.runDir);
    assert.equal(findings.length, 4, "two epochs, the best and the last");
    for (const { n, mda } of findings) {
      assert.equal(n, IMAGES.test);
      assert.ok(Number.isFinite(mda), `${mda}`);
    }
    const last = join(distilled.runDir, "resnet8_last.safetensors");
    const files = ["--checkpoint", last, "--path_t", weights, "--data", "images"];
    const [alone] = await analyzed(...files);
    assert.equal(alone?.mda, findings.at(-1)?.mda);
    const [larger] = await analyzed(...files, "--image_size", "64");
    assert.notEqual(larger?.mda, alone?.mda);
  });

  it("has no second view: a method that looks at one is refused before a run is there", async () => {
    const words = ["distill", "--path_t", weights, "--model_s", "resnet8", "--distill", "mlld"];
    const all = [...words, ...WHERE, "--batch_size", "8", "--epochs", "1", "--save_dir", "views"];
    const { exitCode, stderr } = await run(all);
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, /mlld looks at a second, strongly changed view/);
    assert.equal(existsSync(join(cwd, "views")), false);
  });

  it("is swept and reported; the teacher's cache is refused with its reason", async () => {
    const pair = ["--model_t", "resnet8", "--path_t", weights, "--model_s", "resnet8"];
    const short = ["--batch_size", "8", "--learning_rate", "0.01", "--epochs", "1"];
    const words = ["sweep", ...pair, "--distill", "kd", ...WHERE, ...short, "--trials", "1-2"];
    await printed(...words, "--save_dir", "swept");
    const again = await run([...words, "--save_dir", "swept"]);
    assert.equal(again.exitCode, 0, again.stderr);
    const report = await printed("report", "save", "swept");
    assert.match(report, /resnet8/);
    const cached = await run([...student(weights), ...WHERE, ...short, "--save_dir", "cached", "--teacher_cache"]);
    assert.match(cached.stderr, /training crops images at random sizes, so that none of folder is ever seen twice/);
  });
});
