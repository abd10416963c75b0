import { inputError } from "../common/errors.js";
import type { TrainOptions } from "../config/options.js";
import type { RecipeOptions } from "../config/recipe.js";
import type { ParameterGroup } from "../distill/method.js";
import { binaryCrossEntropy, crossEntropy } from "../distill/parts/losses.js";
import { type Tensor, tf } from "../runtime/tf.js";
import type { Learner, Recipe, TaskSetting } from "./learner.js";
import { drawMix, MIX_COLUMNS, mixedImages, mixingRandom, type Normalized, targetsOf } from "./mixing.js";
import type { Batch } from "./objective.js";
import {
  createOptimizerState,
  groupsByParameter,
  OPTIMIZER_ROWS,
  type OptimizerSetting,
  type UpdateScalars,
  zeroBuffers,
} from "./optimizers.js";
import { rateAt, type ScheduleOptions } from "./schedule.js";

export type LearnerOptions = Pick<TrainOptions, "weight_decay"> &
  Partial<Pick<TrainOptions, keyof RecipeOptions | "momentum">>;

/** The betas of a run's optimizer; the first is also SGD's momentum. */
const betasOf = ({ opt, opt_betas, momentum = 0.9 }: Partial<LearnerOptions>): readonly [number, number] => {
  const betas = opt && OPTIMIZER_ROWS[opt].betas;
  return betas === undefined ? [momentum, 0] : ((opt_betas ?? betas) as [number, number]);
};

const DEFAULT_EPS = 1e-8;

function optimizerOf(options: LearnerOptions): OptimizerSetting | undefined {
  const { opt: name, opt_eps, weight_decay: weightDecay } = options;
  if (name === undefined) return undefined;
  const [, beta2] = betasOf(options);
  return { name, weightDecay, beta2, eps: opt_eps ?? OPTIMIZER_ROWS[name].eps ?? DEFAULT_EPS };
}

/** A learner with the options' optimizer in place of the paper's, in all phases. */
export function withRecipe(learner: Learner, options: LearnerOptions): Learner {
  const optimizer = optimizerOf(options);
  const { sched, clip_grad, clip_mode = "norm", grad_accum_steps: batches = 1 } = options;
  const movesMomentum = sched === "onecycle";
  const task = taskOf(options);
  if ([optimizer, sched, clip_grad, task].every((part) => part === undefined) && batches === 1) return learner;
  const isSplit = learner.optimizer?.momenta !== undefined;
  if (isSplit && (optimizer !== undefined || movesMomentum || clip_grad !== undefined || batches > 1)) {
    throw inputError(
      "This method has a momentum buffer for each part of its loss: it is trained with the paper's SGD only.",
      "Leave out --opt, --sched onecycle, --clip_grad and --grad_accum_steps, or take another method.",
    );
  }
  if (task?.mixing !== undefined && learner.strongView !== undefined) {
    throw inputError("This method looks at a second view of each image, and --mixup and --cutmix mix two images.");
  }
  const recipe: Recipe = {
    movesMomentum,
    ...(optimizer && { optimizer }),
    ...(clip_grad !== undefined && { clip: { mode: clip_mode, most: clip_grad } }),
    ...(batches > 1 && { accumulated: zeroBuffers(learner.parameters, "accumulated") }),
    ...(task && { task }),
  };
  const own = { recipe, ...replaced(learner, optimizer, options) };
  const phases = learner.phases?.map((phase) => ({ ...phase, learner: { ...phase.learner, ...own } }));
  return { ...learner, ...own, ...(phases && { phases }) };
}

/** The loss of labels that options ask for; undefined for plain cross entropy. */
function taskOf(options: LearnerOptions): TaskSetting | undefined {
  const { smoothing = 0, bce_loss = false, bce_target_thresh: threshold, bce_sum: sum = false } = options;
  const { mixup = 0, cutmix = 0, cutmix_minmax } = options;
  const mixes = mixup > 0 || cutmix > 0 || cutmix_minmax !== undefined;
  if (smoothing === 0 && !bce_loss && !mixes) return undefined;
  const { mixup_prob = 1, mixup_switch_prob = 0.5, mixup_mode = "batch", mixup_off_epoch, no_prefetcher } = options;
  const drawn = { mixup, cutmix, cutmix_minmax, mixup_prob, mixup_switch_prob, mixup_mode };
  return {
    smoothing,
    ...(mixes && {
      mixing: { ...drawn, asBytes: !no_prefetcher, offEpoch: mixup_off_epoch || Number.POSITIVE_INFINITY },
    }),
    loss: bce_loss
      ? (logits, targets) => binaryCrossEntropy(logits, targets, { threshold, sum })
      : (logits, targets) => crossEntropy(logits, targets),
  };
}

/** Mixes of consecutive steps, [steps * N * MIX_COLUMNS]. @param place seed, epoch and first step, both from 1 */
export function mixValues(
  { mixing }: TaskSetting,
  side: { readonly height: number; readonly width: number },
  images: number,
  steps: number,
  { seed, epoch, step }: { readonly seed: number; readonly epoch: number; readonly step: number },
): Float32Array {
  const values = new Float32Array(steps * images * MIX_COLUMNS);
  if (mixing === undefined) return values;
  const now = epoch > mixing.offEpoch ? { ...mixing, mixup_prob: 0 } : mixing;
  for (let i = 0; i < steps; i++) {
    values.set(drawMix(mixingRandom(seed, epoch, step + i), images, side, now), i * images * MIX_COLUMNS);
  }
  return values;
}

/** A batch of the recipe: mixed images, and the loss of their targets. @param mix [N, MIX_COLUMNS], none where not mixed */
export const batchParts = (
  { smoothing, mixing, loss }: TaskSetting,
  { images }: Batch,
  format: Normalized,
  mix: Tensor | undefined,
): Pick<Batch, "images" | "task" | "mixed"> => ({
  images: mix && mixing ? mixedImages(images, mix, format, mixing.asBytes) : images,
  mixed: mix !== undefined,
  task: (logits, oneHot) => loss(logits, targetsOf(oneHot, smoothing, mix)),
});

/** Buffers and groups of another optimizer. */
function replaced(learner: Learner, optimizer: OptimizerSetting | undefined, options: LearnerOptions) {
  if (optimizer === undefined) return {};
  tf.dispose([...learner.momentumBuffers]);
  return {
    momentumBuffers: createOptimizerState(learner.parameters, optimizer.name),
    groups: groupsOf(learner, options),
  };
}

/** timm's groups: no decay for biases, tokens, positions and tensors of one dimension, rates by depth; a method's own on top. */
function groupsOf(
  { parameters, model, extra, groups = [] }: Learner,
  { layer_decay = 1 }: Partial<LearnerOptions>,
): ParameterGroup[] {
  const names = new Map([...model.state, ...extra].map(({ name, variable }) => [variable, name]));
  const named = model.state.filter(({ variable }) => variable !== undefined && parameters.includes(variable));
  const factors = layerFactors(
    named.map(({ name }) => name),
    layer_decay,
  );
  const depth = new Map(named.map(({ variable }, i) => [variable, factors[i] as number]));
  const given = groupsByParameter(groups);
  return parameters.map((parameter) => {
    const { learningRateFactor = 1, ...rest } = given.get(parameter) ?? {};
    const decays = hasDecay(names.get(parameter) ?? "", parameter.shape);
    return {
      ...(!decays && { weightDecay: 0 }),
      ...rest,
      parameters: [parameter],
      learningRateFactor: learningRateFactor * (depth.get(parameter) ?? 1),
    };
  });
}

/** Tensors that transformers ask to be left out, whatever their shapes. */
const WITHOUT_DECAY = /(^|\.)(cls_token|dist_token|pos_embed|relative_position_bias_table)$/;

/** Whether weight decay acts on a tensor, as in timm. */
export const hasDecay = (name: string, shape: readonly number[]): boolean =>
  shape.length > 1 && !name.endsWith(".bias") && !WITHOUT_DECAY.test(name);

/** The part of a tensor's name before its layer's own: the block that it lies in. */
const blockOf = (name: string): string | undefined => /^(.*?\.\d+(?:\.\d+)*)\./.exec(name)?.[1];

/**
 * Factors of the learning rate, decay ** (layers above), by tensor: the stem is the lowest layer, every block is one, the
 * last with a `norm` behind it as in timm, the classifier has 1. Clark et al., ELECTRA, ICLR 2020, section 3.1.
 * @param names in the order of the state_dict
 */
export function layerFactors(names: readonly string[], decay: number): number[] {
  const blocks = [...new Set(names.flatMap((name) => blockOf(name) ?? []))];
  const lastOfBlocks = names.findLastIndex((name) => blockOf(name) !== undefined);
  const top = blocks.length + 1;
  return names.map((name, i) => {
    const block = blockOf(name);
    const above = name.startsWith("norm.") ? blocks.length : top;
    const layer = block !== undefined ? blocks.indexOf(block) + 1 : i > lastOfBlocks ? above : 0;
    return decay ** (top - layer);
  });
}

/** Where a part of a run stands in schedule and optimizer. */
export interface UpdateCount {
  /** First epoch (from 1) since which the optimizer counts its updates. */
  readonly optimizerFrom: number;
  /** First epoch of the schedule; none where the rate is constant. */
  readonly scheduleFrom?: number | undefined;
  readonly learningRate?: number | undefined;
  /** Steps of an epoch. */
  readonly steps: number;
}

const SCALARS = ["learningRate", "momentum", "correction1", "correction2", "share", "due"] as const;

/** Values that a recipe's steps are fed, each. */
export const SCALAR_COUNT = SCALARS.length;

/** The scalars of a step from their feed [SCALAR_COUNT]. */
export const scalarsOf = (feed: Tensor): UpdateScalars =>
  Object.fromEntries(
    SCALARS.map((name, i) => [name, tf.reshape(tf.slice(feed, [i], [1]), [])]),
  ) as unknown as UpdateScalars;

/** The feed with a recipe's scalars. */
export const SCALAR_FEED = "scalars";

/** What the optimizer takes from a step's feeds. */
export const rateIn = (feeds: Readonly<Record<string, Tensor>>): Tensor | UpdateScalars =>
  feeds[SCALAR_FEED] === undefined ? (feeds.learningRate as Tensor) : scalarsOf(feeds[SCALAR_FEED]);

/** The rate of a step, from its number: nothing has to be kept of a schedule. @param epoch from 1 @param step from 1 */
export function rateOfStep(
  options: ScheduleOptions & Pick<LearnerOptions, "grad_accum_steps">,
  { scheduleFrom, learningRate = options.learning_rate, steps }: UpdateCount,
  epoch: number,
  step: number,
): { readonly learningRate: number; readonly momentum?: number } {
  if (scheduleFrom === undefined) return { learningRate };
  const { update, updates } = updateOfStep(options, steps, step);
  return rateAt(options, epoch - scheduleFrom, update, updates);
}

/** The update that a step is a part of, within its epoch from 0; the last one of an epoch may have fewer batches. */
function updateOfStep({ grad_accum_steps: batches = 1 }: Partial<LearnerOptions>, steps: number, step: number) {
  return { batches, updates: Math.ceil(steps / batches), update: Math.floor((step - 1) / batches) };
}

/** A step's scalars, computed in float64. @param epoch from 1 @param step from 1 */
export function scalarValues(
  options: LearnerOptions & ScheduleOptions,
  count: UpdateCount,
  epoch: number,
  step: number,
): number[] {
  const [beta1, beta2] = betasOf(options);
  const { steps, optimizerFrom } = count;
  const { batches, updates, update } = updateOfStep(options, steps, step);
  const t = (epoch - optimizerFrom) * updates + update + 1;
  const length = Math.min(batches, steps - update * batches);
  const { learningRate, momentum = beta1 } = rateOfStep(options, count, epoch, step);
  const values: Record<(typeof SCALARS)[number], number> = {
    learningRate,
    momentum,
    correction1: 1 / (1 - momentum ** t),
    correction2: 1 / Math.sqrt(1 - beta2 ** t),
    share: 1 / length,
    due: Number(step === steps || step % batches === 0),
  };
  return SCALARS.map((name) => values[name]);
}
