import { parse } from "node:path";
import {
  choice,
  derived,
  flag,
  integer,
  integers,
  number,
  path,
  paths,
  type Row,
  type Rows,
  type Section,
  section,
  string,
  type Values,
  weights,
} from "../common/optionRow.js";
import { namesIn } from "../distill/combination.js";
import type { Method } from "../distill/method.js";
import { KL_OPTIONS } from "../distill/options.js";
import { METHODS, methodRow } from "../distill/registry.js";
import { CONFIGURATION, DATA, DOCUMENT, GENERAL, TEST_DATA } from "./commandOptions.js";
import { RECIPE } from "./recipe.js";

const TEACHER_EVALS = ["auto", "always", "never"] as const;
type TeacherEval = (typeof TEACHER_EVALS)[number];

const TEACHER_EVAL = choice<TeacherEval, TeacherEval>(
  TEACHER_EVALS,
  "auto",
  "Evaluate the teacher before the first epoch. auto: if the run trains on at least 20 times as many images as it is tested on.",
  { touches: "output" },
);

export const ENGINES = ["eager", "graph", "xla", "auto"] as const;
export const PRECISIONS = ["float32", "bfloat16", "float16", "auto"] as const;

export type Engine = (typeof ENGINES)[number];
export type Precision = (typeof PRECISIONS)[number];

/** Steps per forward pass of the frozen teacher. */
export const TEACHER_AHEAD = integer(undefined, "Run the teacher once per N steps (XLA only).", {
  min: 1,
  max: 64,
  defaultText: "1; on a GPU up to 4, depending on memory",
  touches: "speed",
});

export const DISTILLATION = section("Distillation", {
  path_t: path(
    undefined,
    "The teacher's checkpoint: a PyTorch .pth or .safetensors file; one for each of several teachers.",
    {
      defaultText: "--model_t's checkpoint in --save_dir",
      touches: "input",
      several: true,
      elsewhere: ["teacher", "teacher_checkpoint"],
    },
  ),
  model_t: derived<string>(
    choice<string, undefined>("models", undefined, "The teacher's model; several joined with +.", {
      defaultText: "from --path_t",
      touches: "numbers",
      several: true,
      elsewhere: ["teacher", "teacher_model"],
    }),
  ),
  teacher_outputs: path(undefined, "The teacher's outputs, in place of a model.", {
    defaultText: "none",
    touches: "input",
  }),
  model_s: choice<string, string>("models", "resnet8x4", "The student's model.", {
    touches: "numbers",
    elsewhere: ["student", "student_model"],
  }),
  distill: choice<string, string>(
    "methods",
    "ours",
    "Distillation method, or several joined with +, whose losses are summed.",
    { touches: "numbers", elsewhere: ["method", "kd_method"] },
  ),
  generations: integer(undefined, "Born-again generations: each student teaches the next.", {
    min: 1,
    max: 10,
    defaultText: "none",
    touches: "start",
  }),
  generation: integer(undefined, "Its number, set by --generations.", {
    boundTo: "distill",
    min: 1,
    max: 10,
    defaultText: "none",
    touches: "numbers",
  }),
  gamma: derived(
    number(
      undefined,
      "Weight of the cross-entropy loss. If any of -r, -a, -b is given, the others default to 1, 0, 0.",
      { alias: "r", boundTo: "distill", min: 0, defaultText: "the method's, or 1", touches: "numbers" },
    ),
  ),
  alpha: derived(
    number(undefined, "Weight of the KL divergence between teacher and student logits.", {
      alias: "a",
      boundTo: "distill",
      min: 0,
      defaultText: "the method's, or 0",
      touches: "numbers",
    }),
  ),
  beta: derived(
    weights(undefined, "Weight of the method's loss; for a sum of methods one each, such as 0.8+1.", {
      alias: "b",
      boundTo: "distill",
      min: 0,
      defaultText: "the method's, or 0",
      touches: "numbers",
    }),
  ),
  ...KL_OPTIONS,
  teacher_eval: TEACHER_EVAL,
  teacher_cache: flag("Cache the teacher's outputs on disk, for later epochs and runs.", { touches: "speed" }),
  teacher_ahead: TEACHER_AHEAD,
});

export const TEACHER = section("Teacher", {
  model: choice<string, string>("models", "resnet32x4", "The model to train.", { touches: "numbers" }),
});

const DETERMINISTIC =
  "Same seed, machine and engine: bit-identical weights. On a GPU with XLA's deterministic ops; not yet tested on a real one.";

export const TRAINING = section("Training", {
  epochs: integer(240, "Number of training epochs.", { min: 1, max: 1_000_000, touches: "length" }),
  batch_size: integer(64, "Batch size.", { min: 1, max: 1_000_000, touches: "numbers", elsewhere: ["bs"] }),
  learning_rate: derived(
    number(undefined, "Initial learning rate.", {
      above: 0,
      max: 1000,
      defaultText: "0.05, or the model's default",
      touches: "numbers",
      alsoNamed: "lr",
    }),
  ),
  lr_decay_epochs: integers([150, 180, 210], "Epochs after which the learning rate decays.", {
    min: 1,
    touches: "numbers",
    inEpochs: true,
    replacedBy: "sched",
  }),
  lr_decay_rate: number(0.1, "Learning rate decay factor.", { above: 0, max: 1000, touches: "numbers" }),
  weight_decay: number(5e-4, "Weight decay.", { min: 0, max: 1000, touches: "numbers", elsewhere: ["wd"] }),
  momentum: number(0.9, "SGD momentum.", { min: 0, below: 1, touches: "numbers" }),
  trial: integer(1, "Trial number; the seed is 10 * trial.", {
    min: 0,
    max: 1_000_000_000,
    touches: "seed",
    elsewhere: ["seed"],
  }),
  devices: integer(undefined, "Processes, each with a GPU or a share of the cores.", {
    min: 2,
    max: 64,
    defaultText: "1",
    touches: "numbers",
  }),
  device_timeout: integer(60, "Longest wait for another process.", {
    min: 1,
    max: 86_400,
    valueName: "SECONDS",
    touches: "speed",
  }),
  deterministic: flag(DETERMINISTIC, { touches: "speed" }),
});

/** For every command that computes. */
export const GPU = integer(undefined, "GPU index, from 0, among those visible through CUDA_VISIBLE_DEVICES.", {
  min: 0,
  alsoNamed: "gpuNum",
  defaultText: "the first usable one",
  touches: "speed",
});

const engine = choice<Engine, Engine>(ENGINES, "auto", "How training steps are executed.", {
  touches: "speed",
  undecided: "auto",
});

/** For every command that reads many images. */
export const NUM_WORKERS = integer(8, "Data loading threads for image files, at most one per CPU core.", {
  min: 0,
  touches: "speed",
  elsewhere: ["workers"],
});

const MACHINE = {
  gpu: GPU,
  data_budget_mb: integer(
    undefined,
    "Device memory in MB for keeping the data set resident; a larger one is streamed.",
    {
      min: 1,
      defaultText: "depends on the device",
      touches: "speed",
    },
  ),
  num_workers: NUM_WORKERS,
  no_cache: flag("Do not cache compiled programs between runs.", { flagOnly: true, touches: "speed" }),
};

export const ENGINE = section("Engine", {
  engine,
  precision: choice<Precision, Precision>(
    PRECISIONS,
    "auto",
    "Compute precision. auto: bfloat16 on GPUs that support it, float16 with loss scaling on older ones, bfloat16 on CPUs with AMX or AVX-512 VNNI (there unless --engine or --deterministic is given), else float32. On GPUs float32 does not use TF32.",
    { touches: "numbers", undecided: "auto" },
  ),
  ...MACHINE,
});

/** float32 by default: an evaluation's numbers must not depend on the device. */
export const EVAL_ENGINE = section("Engine", {
  engine,
  precision: choice<Precision, Precision>(
    PRECISIONS,
    "float32",
    "Compute precision. auto: float32, without TF32 on GPUs.",
    { touches: "numbers" },
  ),
  ...MACHINE,
});

export const OUTPUT = section("Output", {
  save_dir: path("./save", "Folder for all runs.", { touches: "place", elsewhere: ["output", "output_dir"] }),
  save_freq: integer(40, "Save a checkpoint every N epochs.", { min: 1, touches: "output" }),
  print_freq: integer(undefined, "Print a log line in the paper's format every N steps instead of a progress bar.", {
    min: 1,
    defaultText: "a progress bar on a terminal",
    touches: "output",
  }),
  log_every: number(
    30,
    "Without a terminal, log progress after this many seconds of silence; 0: only after each epoch.",
    { min: 0, max: 86_400, valueName: "SECONDS", touches: "output" },
  ),
  tb_freq: integer(500, "Log to TensorBoard every N steps, and after each epoch.", { min: 1, touches: "output" }),
  track: string(
    undefined,
    "Log every epoch to an experiment tracker: an MLflow server (its URL), MLflow files (mlflow:DIR), W&B (wandb:PROJECT), or offline W&B files (wandb-offline:DIR).",
    { defaultText: "none", touches: "start" },
  ),
  resume: flag("Resume from the last completed epoch.", { flagOnly: true, touches: "start" }),
  force: flag("Overwrite an existing run.", { flagOnly: true, touches: "start" }),
});

export const EVALUATION = section("Evaluation", {
  checkpoint: paths([], "Checkpoint: .pth, .safetensors or a SavedModel written by pefd; may be repeated.", {
    touches: "input",
  }),
  model: choice<string, undefined>("models", undefined, "Its model.", {
    defaultText: "from the checkpoint",
    touches: "numbers",
  }),
  per_class: path(undefined, "Write per-class accuracy to this CSV file; - prints it.", {
    defaultText: "not written",
    valueName: "FILE|-",
    flagOnly: true,
    touches: "output",
  }),
  confusion: path(undefined, "Write the confusion matrix to this file: .csv or .svg.", {
    defaultText: "not written",
    flagOnly: true,
    touches: "output",
  }),
});

type Common = Values<typeof DATA> & Values<typeof ENGINE>;

/** Resolved options of all training. */
export interface TrainOptions
  extends Common,
    Values<typeof TRAINING>,
    Partial<Values<typeof RECIPE>>,
    Values<typeof OUTPUT> {}

/** Teachers' files, a list where there are several, and models, A+B; none for a teacher-free method. */
export interface TeacherNames {
  readonly path_t: string | readonly string[] | undefined;
  readonly model_t: string | undefined;
}

interface TeacherModels {
  readonly model_t?: string | undefined;
  readonly model_s?: string | undefined;
  readonly generation?: unknown;
}

/** The model of a run's teacher: from the second born-again generation on the student's own, model_t the first's. */
export const teacherModelOf = ({ model_t, model_s, generation }: TeacherModels): string | undefined =>
  Number(generation ?? 1) > 1 ? model_s : model_t;

/** The name of a run's teacher for people and folders: its model, or the file of its outputs; undefined without one. */
export const teacherNameOf = ({ model_t, teacher_outputs }: Readonly<Record<string, unknown>>): string | undefined =>
  (model_t as string | undefined) ??
  (typeof teacher_outputs === "string" ? parse(teacher_outputs).name.replace(/[^\w.+-]/g, "_") : undefined);

/** A teacher's checkpoint and model. */
export type TeacherFile = { readonly path: string; readonly model: string };

/** What tells where a run's teacher is. */
export type TeacherSource = Pick<TeacherNames, "path_t"> &
  TeacherModels & { readonly teacher_outputs?: string | undefined };

/** A run's teachers in order. */
export function teachersOf({ path_t = [], ...names }: TeacherSource): TeacherFile[] {
  const models = namesIn(teacherModelOf(names) ?? "");
  return [path_t].flat().map((path, i) => ({ path, model: models[i] as string }));
}

/** A resolved distillation: weights, teachers and learning rate are known; with the method's own options. */
export type DistillOptions = TrainOptions &
  Omit<Values<typeof DISTILLATION>, keyof TeacherNames> &
  TeacherNames &
  Readonly<Record<string, unknown>>;

export interface TeacherOptions extends TrainOptions, Values<typeof TEACHER> {}

/** One checkpoint's evaluation; an undefined model is read from the checkpoint. */
export interface EvalOptions extends Values<typeof TEST_DATA>, Values<typeof EVAL_ENGINE> {
  readonly checkpoint: string;
  readonly model: string | undefined;
}

/** A default with other published values for some pairs. */
const byPair = (row: Row): Row => ({ ...row, defaultText: `${row.fallback}, or the pair's` });

const TITLE = "Method ";

/** The title of the section with a method's own options. */
export const methodTitle = (name: string): string => `${TITLE}${name}`;

/** The method whose own options a section has. */
export const methodOfSection = ({ title }: Section): string | undefined =>
  title.startsWith(TITLE) ? title.slice(TITLE.length) : undefined;

/** A method's own options, bound to it; they affect numbers unless stated otherwise. */
const ownSection = ({ name, options, published = [] }: Method): Section => {
  const isByPair = (option: string) => published.some((setting) => Object.hasOwn(setting.options ?? {}, option));
  const rows = Object.entries<Row>(options).map(([option, row]) => {
    const own = { boundTo: "distill", touches: "numbers" as const, ...row };
    return [option, isByPair(option) ? byPair(own) : own];
  });
  return section(methodTitle(name), Object.fromEntries(rows));
};

/** @throws inputError for an unknown name */
export const methodSection = (name: string): Section => ownSection(methodRow(name));

const isGeneral = (option: string): boolean => Object.hasOwn(DISTILLATION.rows, option);

/** Each method's own options, without those of every distillation. */
export const METHOD_SECTIONS: readonly Section[] = METHODS.rows()
  .map(ownSection)
  .map(({ title, rows }) => {
    const own = Object.entries(rows).filter(([option]) => !isGeneral(option));
    return section(title, Object.fromEntries(own) as Rows);
  })
  .filter(({ rows }) => Object.keys(rows).length > 0);

/** Every option of configuration files, for all commands. */
export const ALL_SECTIONS: readonly Section[] = [
  DISTILLATION,
  ...METHOD_SECTIONS,
  TEACHER,
  TRAINING,
  RECIPE,
  DATA,
  ENGINE,
  OUTPUT,
  EVALUATION,
  CONFIGURATION,
  DOCUMENT,
  GENERAL,
];

const TRAINING_SECTIONS = [TRAINING, RECIPE, DATA, ENGINE, OUTPUT] as const;

/** With the options of all methods. */
export const DISTILL_SECTIONS: readonly Section[] = [DISTILLATION, ...METHOD_SECTIONS, ...TRAINING_SECTIONS];

/** With the options of one method. @throws inputError for an unknown name */
export const sectionsOfMethod = (name: string): readonly Section[] => [
  DISTILLATION,
  methodSection(name),
  ...TRAINING_SECTIONS,
];
export const TEACHER_SECTIONS = [TEACHER, ...TRAINING_SECTIONS] as const;
export const EVAL_SECTIONS = [EVALUATION, TEST_DATA, EVAL_ENGINE] as const;
