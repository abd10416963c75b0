import { inputError } from "../common/errors.js";
import type { TrainOptions } from "../config/options.js";
import type { ParameterGroup } from "../distill/method.js";
import { type Tensor, tf } from "../runtime/tf.js";
import type { Learner } from "./learner.js";
import { createOptimizerState, OPTIMIZER_ROWS, type OptimizerSetting, type UpdateScalars } from "./optimizers.js";
import { rateAt, type ScheduleOptions } from "./schedule.js";

export type LearnerOptions = Pick<TrainOptions, "weight_decay"> &
  Partial<Pick<TrainOptions, "opt" | "opt_eps" | "opt_betas" | "layer_decay" | "momentum" | "sched">>;

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
  const movesMomentum = options.sched === "onecycle";
  if (optimizer === undefined && options.sched === undefined) return learner;
  if (learner.optimizer?.momenta !== undefined && (optimizer !== undefined || movesMomentum)) {
    throw inputError(
      "This method has a momentum buffer for each part of its loss: it is trained with the paper's SGD only.",
      "Leave out --opt and --sched onecycle, or take another method.",
    );
  }
  const own = { recipe: { movesMomentum, ...(optimizer && { optimizer }) }, ...replaced(learner, optimizer, options) };
  const phases = learner.phases?.map((phase) => ({ ...phase, learner: { ...phase.learner, ...own } }));
  return { ...learner, ...own, ...(phases && { phases }) };
}

/** Buffers and groups of another optimizer. */
function replaced(learner: Learner, optimizer: OptimizerSetting | undefined, options: LearnerOptions) {
  if (optimizer === undefined) return {};
  tf.dispose([...learner.momentumBuffers]);
  return {
    momentumBuffers: createOptimizerState(learner.parameters, optimizer.name),
    groups: groupsOf(learner, options),
  };
}

/** timm's groups: no decay for biases and tensors of one dimension, rates by depth; a method's own on top. */
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
  const given = new Map(groups.flatMap((group) => group.parameters.map((one) => [one, group])));
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

/** Whether weight decay acts on a tensor, as in timm. */
export const hasDecay = (name: string, shape: readonly number[]): boolean =>
  shape.length > 1 && !name.endsWith(".bias");

/** The part of a tensor's name before its layer's own: the block that it lies in. */
const blockOf = (name: string): string | undefined => /^(.*?\d+(?:\.\d+)*)\./.exec(name)?.[1];

/**
 * Factors of the learning rate, decay ** (layers above), by tensor: the stem is the lowest layer, every block is one,
 * the classifier has 1. Clark et al., ELECTRA, ICLR 2020, section 3.1.
 * @param names in the order of the state_dict
 */
export function layerFactors(names: readonly string[], decay: number): number[] {
  const blocks = [...new Set(names.flatMap((name) => blockOf(name) ?? []))];
  const lastOfBlocks = names.findLastIndex((name) => blockOf(name) !== undefined);
  const top = blocks.length + 1;
  return names.map((name, i) => {
    const block = blockOf(name);
    const layer = block !== undefined ? blocks.indexOf(block) + 1 : i > lastOfBlocks ? top : 0;
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

const SCALARS = ["learningRate", "momentum", "correction1", "correction2"] as const;

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
  options: ScheduleOptions,
  { scheduleFrom, learningRate = options.learning_rate, steps }: UpdateCount,
  epoch: number,
  step: number,
): { readonly learningRate: number; readonly momentum?: number } {
  return scheduleFrom === undefined ? { learningRate } : rateAt(options, epoch - scheduleFrom, step - 1, steps);
}

/** A step's scalars, computed in float64. @param epoch from 1 @param step from 1 */
export function scalarValues(
  options: LearnerOptions & ScheduleOptions,
  count: UpdateCount,
  epoch: number,
  step: number,
): number[] {
  const [beta1, beta2] = betasOf(options);
  const t = (epoch - count.optimizerFrom) * count.steps + step;
  const { learningRate, momentum = beta1 } = rateOfStep(options, count, epoch, step);
  const values: Record<(typeof SCALARS)[number], number> = {
    learningRate,
    momentum,
    correction1: 1 / (1 - momentum ** t),
    correction2: 1 / Math.sqrt(1 - beta2 ** t),
  };
  return SCALARS.map((name) => values[name]);
}
