import { choice, flag, integer, integers, number, numbers, section, type Values } from "../common/optionRow.js";

/** timm's names; torch's formulas (learn/optimizers.ts). */
export const OPTIMIZERS = ["sgd", "momentum", "adam", "adamw", "rmsprop", "rmsproptf", "lamb", "lion"] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** timm's names, and torch's one-cycle (learn/schedule.ts). */
export const SCHEDULES = ["constant", "step", "multistep", "cosine", "onecycle"] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

export const CLIP_MODES = ["norm", "value", "agc"] as const;
export type ClipMode = (typeof CLIP_MODES)[number];
export const MIXUP_MODES = ["batch", "pair", "elem"] as const;
type MixupMode = (typeof MIXUP_MODES)[number];

const SHARE = { min: 0, max: 1, touches: "numbers" } as const;
const RATE = { min: 0, max: 1000, touches: "numbers" } as const;
const EPOCHS = { min: 0, max: 1_000_000, touches: "numbers" } as const;

/** Options of modern training, by timm's names; without them a run is the paper's. */
export const RECIPE = section(
  "Recipe",
  {
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
    warmup_epochs: number(undefined, "Epochs of linear warm-up.", { ...EPOCHS, defaultText: "0", inEpochs: true }),
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
      inEpochs: true,
    }),
    decay_milestones: integers(undefined, "Epochs that begin with a decay (multistep), counted from 1.", {
      min: 1,
      defaultText: "90,180,270",
      touches: "numbers",
      inEpochs: true,
    }),
    decay_rate: number(undefined, "Factor of a decay (step, multistep).", { ...RATE, defaultText: "0.1" }),
    clip_grad: number(undefined, "Clip gradients at this norm, value or (agc) factor.", {
      above: 0,
      max: 1e6,
      defaultText: "none",
      touches: "numbers",
    }),
    clip_mode: choice<ClipMode, undefined>(
      CLIP_MODES,
      undefined,
      "How to clip: the global norm, each value, or agc: each unit's norm by its weight's.",
      { defaultText: "norm", touches: "numbers" },
    ),
    grad_accum_steps: integer(undefined, "Batches per update; their gradients are averaged.", {
      min: 1,
      max: 10_000,
      defaultText: "1",
      touches: "numbers",
    }),
    smoothing: number(undefined, "Label smoothing.", { min: 0, below: 1, defaultText: "0", touches: "numbers" }),
    bce_loss: flag("Binary cross entropy in place of cross entropy.", { touches: "numbers" }),
    bce_target_thresh: number(undefined, "With --bce_loss, targets above this are 1, others 0.", {
      min: 0,
      below: 1,
      defaultText: "targets as they are",
      touches: "numbers",
    }),
    bce_sum: flag("With --bce_loss, sum over classes.", { touches: "numbers" }),
    mixup: number(undefined, "Mixup with this alpha.", { ...RATE, defaultText: "0: none" }),
    cutmix: number(undefined, "CutMix with this alpha.", { ...RATE, defaultText: "0: none" }),
    cutmix_minmax: numbers(undefined, "CutMix with boxes of these least and largest sides, as shares of the image's.", {
      min: 0,
      max: 1,
      defaultText: "--cutmix",
      touches: "numbers",
    }),
    mixup_prob: number(undefined, "Probability of mixing.", { ...SHARE, defaultText: "1" }),
    mixup_switch_prob: number(undefined, "Probability of CutMix where both are on.", { ...SHARE, defaultText: "0.5" }),
    mixup_mode: choice<MixupMode, undefined>(
      MIXUP_MODES,
      undefined,
      "Draw once per batch, for each pair of images, or for each image.",
      { defaultText: "batch", touches: "numbers" },
    ),
    mixup_off_epoch: integer(undefined, "Mix in so many epochs only.", { ...EPOCHS, defaultText: "all" }),
    no_prefetcher: flag("Mix normalised images, as DeiT does; else bytes, as timm's loader does.", {
      touches: "numbers",
    }),
  },
  "docs/recipes.md",
);

/** Resolved recipe options; unset ones stay undefined. */
export type RecipeOptions = Values<typeof RECIPE>;
