import {
  choice,
  derived,
  flag,
  integer,
  integers,
  number,
  path,
  paths,
  section,
  string,
  type Values,
  weights,
} from "../common/optionRow.js";
import { KL_OPTIONS } from "../distill/options.js";
import type { DATA, TEST_DATA } from "./commandOptions.js";

/** When a distillation tells its teacher's own accuracy. */
const TEACHER_EVALS = ["auto", "always", "never"] as const;
type TeacherEval = (typeof TEACHER_EVALS)[number];

const TEACHER_EVAL = choice<TeacherEval, TeacherEval>(
  TEACHER_EVALS,
  "auto",
  "Tell the teacher's accuracy before the first epoch; auto: where the run trains on at least 20 times as many images as it is tested on.",
  { touches: "output" },
);

/** How steps are run. */
export const ENGINES = ["eager", "graph", "xla", "auto"] as const;
/** What the arithmetic of a step is done in. */
export const PRECISIONS = ["float32", "bfloat16", "auto"] as const;

export type Engine = (typeof ENGINES)[number];
export type Precision = (typeof PRECISIONS)[number];

/** For how many steps at once a frozen teacher looks at images. */
export const TEACHER_AHEAD = integer(
  undefined,
  "Steps whose images the teacher looks at together, with --engine xla.",
  { min: 1, max: 64, defaultText: "1; on a GPU up to 4, by memory", touches: "speed" },
);

/** What is distilled from what, and how the loss is weighted. */
export const DISTILLATION = section("Distillation", {
  path_t: path(undefined, "The teacher's checkpoint: .pth of PyTorch or .safetensors.", {
    defaultText: "the teacher of --model_t in --save_dir",
    touches: "input",
  }),
  model_t: derived<string>(
    choice<string, undefined>("models", undefined, "The teacher's model.", {
      defaultText: "from --path_t",
      touches: "numbers",
    }),
  ),
  model_s: choice<string, string>("models", "resnet8x4", "The student's model.", {
    touches: "numbers",
  }),
  distill: choice<string, string>(
    "methods",
    "ours",
    "The distillation method, or several with + between them: their losses are summed.",
    { touches: "numbers" },
  ),
  gamma: derived(
    number(
      undefined,
      "Weight of the cross-entropy. The weights are a set: with one of them given, the others are 1, 0, 0.",
      {
        alias: "r",
        boundTo: "distill",
        min: 0,
        defaultText: "the method's, or 1",
        touches: "numbers",
      },
    ),
  ),
  alpha: derived(
    number(undefined, "Weight of the KL divergence between logits.", {
      alias: "a",
      boundTo: "distill",
      min: 0,
      defaultText: "the method's, or 0",
      touches: "numbers",
    }),
  ),
  beta: derived(
    weights(undefined, "Weight of the method's own loss; of a sum one for each, as in 0.8+1.", {
      alias: "b",
      boundTo: "distill",
      min: 0,
      defaultText: "the method's, or 0",
      touches: "numbers",
    }),
  ),
  ...KL_OPTIONS,
  teacher_eval: TEACHER_EVAL,
  teacher_cache: flag("Keep the teacher's outputs on disk for later epochs and other runs.", {
    touches: "speed",
  }),
  teacher_ahead: TEACHER_AHEAD,
});

/** What a teacher's training is about. */
export const TEACHER = section("Teacher", {
  model: choice<string, string>("models", "resnet32x4", "The model to train.", {
    touches: "numbers",
  }),
});

const DETERMINISTIC =
  "The same seed, machine and engine give the same bytes. On a GPU by XLA's deterministic ops: not measured on a real one.";

/** The optimizer and its schedule. */
export const TRAINING = section("Training", {
  epochs: integer(240, "Passes over the training images.", {
    min: 1,
    max: 1_000_000,
    touches: "length",
  }),
  batch_size: integer(64, "Images per step.", { min: 1, max: 1_000_000, touches: "numbers" }),
  learning_rate: derived(
    number(undefined, "Learning rate of SGD at the start.", {
      above: 0,
      max: 1000,
      defaultText: "0.05, or the model's own",
      touches: "numbers",
    }),
  ),
  lr_decay_epochs: integers([150, 180, 210], "After these epochs the learning rate falls.", {
    min: 1,
    touches: "numbers",
  }),
  lr_decay_rate: number(0.1, "Factor of the learning rate at each of them.", {
    above: 0,
    max: 1000,
    touches: "numbers",
  }),
  weight_decay: number(5e-4, "Weight decay of SGD.", { min: 0, max: 1000, touches: "numbers" }),
  momentum: number(0.9, "Momentum of SGD.", { min: 0, below: 1, touches: "numbers" }),
  trial: integer(1, "Number of the repetition; the seed is ten times that.", {
    min: 0,
    max: 1_000_000_000,
    touches: "seed",
  }),
  deterministic: flag(DETERMINISTIC, {
    touches: "speed",
  }),
});

/** The GPU to compute on, for every command that computes. */
export const GPU = integer(
  undefined,
  "Number of the GPU, from 0, among those that CUDA_VISIBLE_DEVICES leaves visible.",
  { min: 0, alsoNamed: "gpuNum", defaultText: "the first that can be used", touches: "speed" },
);

const engine = choice<Engine, Engine>(ENGINES, "auto", "How steps are run.", {
  touches: "speed",
  undecided: "auto",
});

/** How many threads read images, for every command that reads many. */
export const NUM_WORKERS = integer(
  8,
  "Threads that read images which stay in their files, at most as many as there are processors.",
  { min: 0, touches: "speed" },
);

/** What training and evaluation ask of the machine alike. */
const MACHINE = {
  gpu: GPU,
  data_budget_mb: integer(undefined, "Device memory for resident images, in MB; a larger data set is streamed.", {
    min: 1,
    defaultText: "by the device",
    touches: "speed",
  }),
  num_workers: NUM_WORKERS,
  no_cache: flag("Do not keep compiled programs between runs.", {
    flagOnly: true,
    touches: "speed",
  }),
};

/** How the work is run on the machine. */
export const ENGINE = section("Engine", {
  engine,
  precision: choice<Precision, Precision>(
    PRECISIONS,
    "auto",
    "Arithmetic of convolutions; auto is bfloat16 on a GPU that has it and on a processor with faster products of 16 bits (AMX, AVX-512 VNNI), there unless --engine or --deterministic is given, and float32 elsewhere. A GPU's float32 is without TF32.",
    { touches: "numbers", undecided: "auto" },
  ),
  ...MACHINE,
});

/** How an evaluation is run: its numbers must not move with the device. */
export const EVAL_ENGINE = section("Engine", {
  engine,
  precision: choice<Precision, Precision>(
    PRECISIONS,
    "float32",
    "Arithmetic of convolutions; auto is float32, on a GPU too, and there without TF32.",
    { touches: "numbers" },
  ),
  ...MACHINE,
});

/** What is written, where, and what is shown meanwhile. */
export const OUTPUT = section("Output", {
  save_dir: path("./save", "Runs are written below this folder.", { touches: "place" }),
  save_freq: integer(40, "Keep a checkpoint every N epochs.", { min: 1, touches: "output" }),
  print_freq: integer(undefined, "Print the paper's lines every N steps instead of a bar.", {
    min: 1,
    defaultText: "a bar on a terminal",
    touches: "output",
  }),
  log_every: number(
    30,
    "Off a terminal, tell how it goes after so many seconds without a line; 0: at an epoch's end alone.",
    { min: 0, max: 86_400, valueName: "SECONDS", touches: "output" },
  ),
  tb_freq: integer(500, "Log training to TensorBoard every N steps, besides every epoch.", {
    min: 1,
    touches: "output",
  }),
  track: string(
    undefined,
    "Report every epoch to a tracker as well: an MLflow server (its address), MLflow's files (mlflow:DIR), W&B (wandb:PROJECT), or files for wandb sync (wandb-offline:DIR).",
    {
      defaultText: "nowhere",
      touches: "start",
    },
  ),
  resume: flag("Go on from the last completed epoch of this run.", {
    flagOnly: true,
    touches: "start",
  }),
  force: flag("Replace an existing run.", { flagOnly: true, touches: "start" }),
});

/** What `pefd eval` evaluates. */
export const EVALUATION = section("Evaluation", {
  checkpoint: paths([], "The checkpoint: .pth, .safetensors or a SavedModel of pefd; may be repeated.", {
    touches: "input",
  }),
  model: choice<string, undefined>("models", undefined, "Its model.", {
    defaultText: "from the checkpoint",
    touches: "numbers",
  }),
  per_class: path(undefined, "Write every class's accuracy to this CSV file; - prints it.", {
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

/** Everything that training a teacher and distilling have in common, resolved. */
export interface TrainOptions extends Common, Values<typeof TRAINING>, Values<typeof OUTPUT> {}

/** A distillation, resolved: weights, teacher and learning rate are known; the method's own options beside them. */
export type DistillOptions = TrainOptions &
  Omit<Values<typeof DISTILLATION>, "path_t"> & { readonly path_t: string } & Readonly<Record<string, unknown>>;

/** A teacher's training, resolved. */
export interface TeacherOptions extends TrainOptions, Values<typeof TEACHER> {}

/** The evaluation of one checkpoint; the model is read from the checkpoint when undefined. */
export interface EvalOptions extends Values<typeof TEST_DATA>, Values<typeof EVAL_ENGINE> {
  readonly checkpoint: string;
  readonly model: string | undefined;
}
