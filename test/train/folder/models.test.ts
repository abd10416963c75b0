import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { synthesize } from "#pefd/data/folder/row.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { stateDictOf } from "#pefd/train/files/stateFiles.js";
import { casesOf, tellRest } from "../../helpers/matrices.js";
import { pefd } from "../../helpers/pefd.js";

const CLASSES = 3;
/** Two steps of two images. */
const IMAGES = { train: 4, test: 3, seed: 5, classes: CLASSES };

const cwd = mkdtempSync(join(tmpdir(), "pefd-folder-models-"));
after(() => rmSync(cwd, { recursive: true }));

interface Result {
  readonly weightsSha256: string;
  readonly test: { readonly loss: number };
  readonly runDir: string;
}

/** Trains for an epoch on images of 224x224 with an engine. */
async function train(engine: string, words: readonly string[]): Promise<Result> {
  const usual = ["--dataset", "folder", "--data", "images", "--batch_size", "2", "--epochs", "1"];
  const how = ["--precision", "float32", "--learning_rate", "0.01", "--engine", engine];
  const where = ["--save_dir", engine, "--json", "--quiet", "--no_cache", "--force"];
  const ended = await pefd([...words, ...usual, ...how, ...where], { cwd });
  assert.equal(ended.exitCode, 0, `${words.join(" ")}: ${ended.stderr}`);
  return JSON.parse(ended.stdout) as Result;
}

/** The same bytes from the graph engine as from the eager one. */
async function sameOnBoth(words: readonly string[]): Promise<Result> {
  const [eager, graph] = [await train("eager", words), await train("graph", words)];
  assert.ok(Number.isFinite(eager.test.loss), `loss ${eager.test.loss}`);
  assert.equal(graph.weightsSha256, eager.weightsSha256);
  assert.equal(graph.test.loss, eager.test.loss);
  return graph;
}

const MODELS = ["RESNET18", "MobileNet", "RESNET34", "RESNET50", "densenet201"];

describe("models for ImageNet train on images of 224x224 in folders", () => {
  before(() => synthesize(join(cwd, "images"), IMAGES));

  const { cases, rest } = casesOf(MODELS, 1);
  for (const name of cases) {
    it(`${name}: graph equals eager in bytes`, async () => {
      await sameOnBoth(["train-teacher", "--model", name]);
    });
  }
  tellRest(rest);

  it("a file of torchvision's is a teacher as it is: --path_t tells its model, eval its own", async () => {
    loadTensorFlow();
    const teacher = buildModel("RESNET34", CLASSES, initialFill("RESNET34", 3, "teacher"));
    const state = stateDictOf(teacher.state, 0);
    tf.dispose(variablesOf(teacher.state));
    // As its early files are: without counters.
    const early = new Map([...state].filter(([name]) => !name.endsWith("num_batches_tracked")));
    const file = "resnet34-0123abcd.pth";
    await writeCheckpoint(join(cwd, file), early);
    const pair = ["distill", "--path_t", file, "--model_s", "RESNET18"];
    const { runDir } = await sameOnBoth([...pair, "--distill", "ours"]);
    assert.match(runDir, /S:RESNET18_T:RESNET34_folder_ours/);

    const data = ["--dataset", "folder", "--data", "images"];
    const evaluated = await pefd(["eval", "--checkpoint", file, ...data, "--json"], { cwd });
    assert.equal(evaluated.exitCode, 0, evaluated.stderr);
    assert.equal(JSON.parse(evaluated.stdout).model, "RESNET34");
  });
});
