// Distills on synthetic data with three methods and plots the runs.
//
//   node examples/distilAndPlot.mjs [FOLDER]
//
// Each part could be a notebook cell. Everything is written to FOLDER, by default a new one.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { distill, loadRuns, plotRuns, synthesize, trainTeacher } from "pefd";

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "pefd-example-"));

// %% Synthetic images in CIFAR-100's format.
const data = join(folder, "data");
await synthesize("cifar100", data, { train: 200, test: 100, classes: 10, seed: 1 });

// %% A teacher. Options have the names of command-line flags.
const small = { data, batch_size: 20, save_dir: join(folder, "save") };
const teacher = trainTeacher({ ...small, model: "resnet14", epochs: 2 });
for await (const event of teacher) {
  if (event.kind === "epoch") {
    const { epoch, train, test } = event.epoch;
    console.log(`teacher, epoch ${epoch}: loss ${train.loss.toFixed(3)}, top-1 ${test.top1} %`);
  }
}

// %% Students, each with another method and its published loss weights.
for (const method of ["kd", "ours", "dkd"]) {
  const pair = { model_t: "resnet14", model_s: "resnet8", distill: method };
  const student = distill({ ...small, ...pair, epochs: 3 });
  const { best, weightsSha256 } = await student.result;
  console.log(`${method}: best top-1 ${best.top1} %, weights ${weightsSha256.slice(0, 8)}`);
}

// %% Load and plot the runs.
const { runs } = await loadRuns(join(folder, "save/student_model"));
const plots = await plotRuns(runs);
const curves = plots.find(({ kind }) => kind === "curve");
const picture = join(folder, "curves.svg");
writeFileSync(picture, curves.svg);
console.log(`${runs.length} runs; ${curves.title}: ${picture}`);
