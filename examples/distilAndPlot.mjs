// Distils on artificial data with three methods and plots how they went.
//
//   node examples/distilAndPlot.mjs [FOLDER]
//
// Each part is what a cell of a notebook would be. Everything that is written lies below FOLDER, a new one if none is given.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { distill, loadRuns, plotRuns, synthesize, trainTeacher } from "pefd";

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "pefd-example-"));

// %% Artificial images in CIFAR-100's format.
const data = join(folder, "data");
await synthesize("cifar100", data, { train: 200, test: 100, classes: 10, seed: 1 });

// %% A teacher. Options are called as flags are.
const small = { data, batch_size: 20, save_dir: join(folder, "save") };
const teacher = trainTeacher({ ...small, model: "resnet14", epochs: 2 });
for await (const event of teacher) {
  if (event.kind === "epoch") {
    const { epoch, train, test } = event.epoch;
    console.log(`teacher, epoch ${epoch}: loss ${train.loss.toFixed(3)}, top-1 ${test.top1} %`);
  }
}

// %% Students, each by another method with its published weights.
for (const method of ["kd", "ours", "dkd"]) {
  const pair = { model_t: "resnet14", model_s: "resnet8", distill: method };
  const student = distill({ ...small, ...pair, epochs: 3 });
  const { best, weightsSha256 } = await student.result;
  console.log(`${method}: best top-1 ${best.top1} %, weights ${weightsSha256.slice(0, 8)}`);
}

// %% What the runs have left, and a picture of it.
const { runs } = await loadRuns(join(folder, "save/student_model"));
const plots = await plotRuns(runs);
const curves = plots.find(({ kind }) => kind === "curve");
const picture = join(folder, "curves.svg");
writeFileSync(picture, curves.svg);
console.log(`${runs.length} runs; ${curves.title}: ${picture}`);
