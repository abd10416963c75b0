import { choice, flag, integers, number, numbers, section, type Values } from "../common/optionRow.js";

/** timm's names; torch's formulas (learn/optimizers.ts). */
export const OPTIMIZERS = ["sgd", "momentum", "adam", "adamw", "rmsprop", "rmsproptf", "lamb", "lion"] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** timm's names, and torch's one-cycle (learn/schedule.ts). */
export const SCHEDULES = ["constant", "step", "multistep", "cosine", "onecycle"] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

const RATE = { min: 0, max: 1000, touches: "numbers" } as const;
const EPOCHS = { min: 0, max: 1_000_000, touches: "numbers" } as const;

/** Options of modern training, by timm's names; without them a run is the paper's. */
export const RECIPE = section("Recipe", {
  opt: choice<OptimizerName, undefined>(
    OPTIMIZERS,
    undefined,
    "Optimizer, by timm's name: sgd is with Nesterov momentum, momentum without; weight decay leaves out biases and norms.",
    { defaultText: "the paper's SGD: plain momentum, decay of all", touches: "numbers" },
  ),
  opt_eps: number(undefined, "The optimizer's epsilon.", {
    above: 0,
    max: 1,
    defaultText: "1e-8; lamb 1e-6, rmsproptf 1e-10",
    touches: "numbers",
  }),
  opt_betas: numbers(undefined, "The optimizer's two betas.", {
    min: 0,
    below: 1,
    defaultText: "0.9,0.999; lion 0.9,0.99",
    touches: "numbers",
  }),
  layer_decay: number(undefined, "Factor of the learning rate per layer below the classifier.", {
    above: 0,
    max: 1,
    defaultText: "1",
    touches: "numbers",
  }),
  sched: choice<ScheduleName, undefined>(SCHEDULES, undefined, "Schedule of the learning rate, by timm's name.", {
    defaultText: "the paper's steps (--lr_decay_epochs)",
    touches: "numbers",
  }),
  sched_on_updates: flag("Change the learning rate with every update, not every epoch.", { touches: "numbers" }),
  sched_epochs: number(undefined, "Epochs that the schedule spans.", {
    above: 0,
    max: 1_000_000,
    defaultText: "--epochs, less --cooldown_epochs and a prefixed warm-up",
    touches: "numbers",
  }),
  lr_base: number(undefined, "Learning rate for a batch of --lr_base_size, scaled to this run's.", {
    ...RATE,
    defaultText: "--learning_rate is taken as it is",
  }),
  lr_base_size: number(undefined, "Batch size of --lr_base.", {
    above: 0,
    max: 1e6,
    defaultText: "256",
    touches: "numbers",
  }),
  lr_base_scale: choice<"linear" | "sqrt", undefined>(["linear", "sqrt"], undefined, "How --lr_base scales.", {
    defaultText: "sqrt for adam, adamw and lamb, else linear",
    touches: "numbers",
  }),
  warmup_epochs: number(undefined, "Epochs of linear warm-up.", { ...EPOCHS, defaultText: "0" }),
  warmup_lr: number(undefined, "Learning rate at which the warm-up begins.", { ...RATE, defaultText: "1e-5" }),
  warmup_prefix: flag("Begin the schedule after the warm-up; else the warm-up takes its first epochs.", {
    touches: "numbers",
  }),
  min_lr: number(undefined, "Learning rate at the schedule's end (cosine).", { ...RATE, defaultText: "0" }),
  cooldown_epochs: number(undefined, "Epochs at --min_lr, the last of --epochs.", { ...EPOCHS, defaultText: "0" }),
  decay_epochs: number(undefined, "Epochs between two decays (step).", {
    above: 0,
    max: 1_000_000,
    defaultText: "90",
    touches: "numbers",
  }),
  decay_milestones: integers(undefined, "Epochs that begin with a decay (multistep), counted from 1.", {
    min: 1,
    defaultText: "90,180,270",
    touches: "numbers",
  }),
  decay_rate: number(undefined, "Factor of a decay (step, multistep).", { ...RATE, defaultText: "0.1" }),
});

/** Resolved recipe options; unset ones stay undefined. */
export type RecipeOptions = Values<typeof RECIPE>;
