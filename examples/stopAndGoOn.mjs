// Stops training with an AbortSignal, resumes it, and reads the checkpoint.
//
//   node examples/stopAndGoOn.mjs [FOLDER]
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate, openCheckpoint, PefdError, synthesize, trainTeacher } from "pefd";

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "pefd-example-"));
const data = join(folder, "data");
await synthesize("cifar100", data, { train: 100, test: 50, classes: 10, seed: 1 });
const options = { data, model: "resnet8", batch_size: 10, save_dir: join(folder, "save") };

// Stopped after the first epoch: finished epochs are saved.
const stop = new AbortController();
const first = trainTeacher({ ...options, epochs: 3 }, { signal: stop.signal });
try {
  for await (const event of first) {
    if (event.kind === "epoch") stop.abort(new Error("enough for today"));
  }
} catch (error) {
  console.log(`stopped: ${error.message}`);
}

// Resumes from there.
const second = trainTeacher({ ...options, epochs: 3, resume: true });
const { runDir, epochs, test } = await second.result;
console.log(`done: ${epochs} epochs, top-1 ${test.top1} %`);

const checkpoint = join(runDir, "resnet8_last.safetensors");
const { model, dataset, values } = await openCheckpoint(checkpoint);
console.log(`${model} on ${dataset}: ${values("fc.bias").length} biases`);
const { top1, n } = await evaluate({ checkpoint, data }).result;
console.log(`evaluated: top-1 ${top1} % of ${n} images`);

// Errors have a message and a hint.
try {
  await evaluate({ checkpoint: "nowhere.pth", data }).result;
} catch (error) {
  if (!(error instanceof PefdError)) throw error;
  console.log(`refused (${error.exitCode}): ${error.message}`);
}
