import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import type { DistillOptions, TeacherOptions, TrainOptions } from "#pefd/config/options.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { silentReporter } from "#pefd/report/live/reporter.js";
import type { RunReporter, StepProgress } from "#pefd/report/log/contract.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import type { Hooks } from "#pefd/train/files/result.js";
import { stateDictOf } from "#pefd/train/files/stateFiles.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** The small model that the runs of these tests train. */
export const MODEL = "resnet8";

/** Images of the runs: two whole batches of 8 and a short one of 4. */
export const TRAIN_IMAGES = 20;

/** Writes a small learnable data set. @returns its folder */
export async function smallData(folder: string, train = TRAIN_IMAGES): Promise<string> {
  const data = join(folder, "data");
  await CIFAR100.synthesize(data, { train, test: 10, seed: 7, classes: 5 });
  return data;
}

/** Writes a teacher that was never trained. @returns its file */
export async function randomTeacher(folder: string, numClasses = 100, seed = 3): Promise<string> {
  loadTensorFlow();
  const path = join(folder, "teacher.safetensors");
  const model = buildModel(MODEL, numClasses, initialFill(MODEL, seed, "teacher"));
  await writeCheckpoint(path, stateDictOf(model.state, 0), { model: MODEL });
  tf.dispose(variablesOf(model.state));
  return path;
}

const trainOptions = (folder: string): TrainOptions => ({
  dataset: "cifar100",
  data: join(folder, "data"),
  image_size: undefined,
  limit_train: undefined,
  limit_test: undefined,
  skip_list: undefined,
  engine: "graph",
  precision: "float32",
  gpu: undefined,
  data_budget_mb: undefined,
  num_workers: 0,
  no_cache: true,
  epochs: 2,
  batch_size: 8,
  learning_rate: 0.05,
  lr_decay_epochs: [150, 180, 210],
  lr_decay_rate: 0.1,
  weight_decay: 5e-4,
  momentum: 0.9,
  trial: 1,
  devices: undefined,
  device_timeout: 60,
  deterministic: false,
  save_dir: join(folder, "save"),
  save_freq: 40,
  print_freq: undefined,
  log_every: 0,
  tb_freq: 500,
  track: undefined,
  resume: false,
  force: false,
});

/** Options of a teacher's run on the data of a folder. */
export const teacherOptions = (folder: string, changes: Partial<TeacherOptions> = {}): TeacherOptions => ({
  ...trainOptions(folder),
  model: MODEL,
  ...changes,
});

/** Options of a distillation on the data and with the teacher of a folder. */
export const distillOptions = (folder: string, changes: Partial<DistillOptions> = {}): DistillOptions => ({
  ...trainOptions(folder),
  path_t: join(folder, "teacher.safetensors"),
  model_t: MODEL,
  teacher_outputs: undefined,
  model_s: MODEL,
  distill: "ours",
  generations: undefined,
  generation: undefined,
  gamma: 1,
  alpha: 0,
  beta: 25,
  kd_T: 4,
  num_proj: 3,
  teacher_eval: "never",
  teacher_cache: false,
  teacher_ahead: undefined,
  ...changes,
});

/** A temporary folder with data and teacher. */
export async function prepared(t: TestContext, train = TRAIN_IMAGES): Promise<string> {
  const folder = temporaryFolder(t);
  await smallData(folder, train);
  await randomTeacher(folder);
  return folder;
}

export const lastWeights = (runDir: string): Buffer => readFileSync(join(runDir, "resnet8_last.safetensors"));

/** Where `teacherOptions` puts its run. */
export const teacherRun = (folder: string, trial = 1): string =>
  join(folder, "save/models", `resnet8_cifar100_lr_0.05_decay_0.0005_trial_${trial}`);

/** The notice that a run is too short for its schedule, as all of these are (config/policy.test.ts tests it). */
const isOfLength = (text: string): boolean => /^--epochs \d+ ends before --lr_decay_epochs /.test(text);

/** Hooks that show nothing but what is given, and that leave out the notice on the run's length. */
export const silentHooks = (
  reporter: Partial<RunReporter> = {},
  signal: AbortSignal = new AbortController().signal,
): Hooks => {
  const told = { ...silentReporter, ...reporter };
  const notice = (text: string): void => {
    if (!isOfLength(text)) told.notice(text);
  };
  return { reporter: { ...told, notice }, signal, env: {} };
};

/** Hooks that end a run after a step, as Ctrl-C does. The run must report every step (tb_freq: 1). */
export function hooksStoppingAfter(epoch: number, step: number): Hooks {
  const controller = new AbortController();
  const stepDone = (progress: StepProgress) => {
    if (progress.epoch === epoch && progress.step === step) controller.abort(new Error("stopped"));
  };
  return silentHooks({ stepDone }, controller.signal);
}
