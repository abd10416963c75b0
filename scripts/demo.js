import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fail, Problem } from "./setup/problem.js";
import { ROOT, setup } from "./setup/setup.js";

const FOLDER = "demo";
const DATA = join(FOLDER, "cifar-100-binary");
const RUNS = join(FOLDER, "save");
const CLASSES = 100;
const CHANCE = 100 / CLASSES;

/** Short runs on small data; the learning rate falls before the last epoch. */
const TRAINING = ["--data", DATA, "--save_dir", RUNS, "--force", "--lr_decay_epochs", "4"];
const EPOCHS = "5";

const say = (text) => process.stderr.write(`${text}\n`);

/** Echoes and runs a pefd command; returns its JSON document. */
function pefd(...words) {
  say(`\n$ pefd ${words.join(" ")}`);
  const child = spawn(process.execPath, ["bin/pefd.js", ...words, "--json"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let document = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    document += text;
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(document));
      else reject(new Problem(`pefd ${words[0]} exited with ${code}.`, "See above.", code ?? 1));
    });
  });
}

const lastWeights = (run, model) => join(run.runDir, `${model}_last.safetensors`);

async function demo() {
  rmSync(join(ROOT, FOLDER), { recursive: true, force: true });
  const sizes = ["--train", "2000", "--test", "500", "--classes", String(CLASSES)];
  await pefd("data", "synthesize", "--out", DATA, ...sizes, "--seed", "0", "--force");

  const teacher = "resnet20";
  const teacherRun = await pefd("train-teacher", "--model", teacher, "--epochs", EPOCHS, ...TRAINING);
  const teacherFile = lastWeights(teacherRun, teacher);

  const student = "resnet8";
  const pair = ["--path_t", teacherFile, "--model_s", student];
  const studentRun = await pefd("distill", "--distill", "ours", ...pair, "--epochs", EPOCHS, ...TRAINING);
  const studentFile = lastWeights(studentRun, student);

  const result = await pefd("eval", "--checkpoint", studentFile, "--data", DATA);
  return { teacherRun, studentRun, studentFile, result };
}

const percent = (value) => `${value.toFixed(1).padStart(5)} %`;

function summary({ teacherRun, studentRun, studentFile, result }, seconds) {
  return [
    "",
    `Top-1 accuracy on ${result.n} test images (${CLASSES} classes):`,
    `  chance   ${percent(CHANCE)}`,
    `  teacher  ${percent(teacherRun.test.top1)}`,
    `  student  ${percent(result.top1)}`,
    "",
    "Files:",
    `  data     ${DATA}`,
    `  teacher  ${teacherRun.runDir}`,
    `  student  ${studentRun.runDir}`,
    `  weights  ${studentFile}`,
    "",
    `The demo took ${Math.round(seconds)} s. For real data see README.md.`,
  ].join("\n");
}

try {
  await setup();
  const start = performance.now();
  const outcome = await demo();
  console.log(summary(outcome, (performance.now() - start) / 1000));
  if (outcome.result.top1 < 2 * CHANCE) {
    throw new Problem("The student did not learn: its accuracy is near chance.", "", 1);
  }
} catch (error) {
  fail(error);
}
