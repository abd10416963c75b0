import type { TrainOptions } from "../config/options.js";
import type { ScheduleName } from "../config/recipe.js";

interface PaperSchedule {
  readonly learningRate: number;
  readonly decayEpochs: readonly number[];
  readonly decayRate: number;
}

/** As the paper's adjust_learning_rate: learningRate * decayRate ** (decay epochs before this one, 1-based). */
export function learningRateAt(epoch: number, schedule: PaperSchedule): number {
  const { learningRate, decayEpochs, decayRate } = schedule;
  const decays = decayEpochs.filter((decayEpoch) => epoch > decayEpoch).length;
  return decays === 0 ? learningRate : learningRate * decayRate ** decays;
}

export type ScheduleOptions = Pick<TrainOptions, "learning_rate" | "lr_decay_epochs" | "lr_decay_rate"> &
  Partial<
    Pick<
      TrainOptions,
      | "sched"
      | "sched_on_updates"
      | "sched_epochs"
      | "warmup_epochs"
      | "warmup_lr"
      | "warmup_prefix"
      | "min_lr"
      | "decay_epochs"
      | "decay_milestones"
      | "decay_rate"
    >
  >;

/** timm's, where its train.py has other ones than its schedulers. */
const DEFAULTS = { warmup_lr: 1e-5, decay_epochs: 90, decay_milestones: [90, 180, 270], decay_rate: 0.1 } as const;

export interface Rate {
  readonly learningRate: number;
  /** Of one-cycle, which moves it. */
  readonly momentum?: number;
}

/** @param t epochs or updates, from 0 @param span of the schedule, in the same unit @param per updates per epoch, or 1 */
type Schedule = (t: number, span: number, options: ScheduleOptions, per: number) => Rate;

const cosineBetween = (from: number, to: number, share: number): number =>
  to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));

/** Smith & Topin, 2018; torch's OneCycleLR with its defaults. */
const ONE_CYCLE = { rises: 0.3, first: 1 / 25, last: 1e-4, momentum: [0.95, 0.85] } as const;

const SCHEDULE_ROWS: Readonly<Record<ScheduleName, Schedule>> = {
  constant: (_t, _span, { learning_rate }) => ({ learningRate: learning_rate }),
  step(t, _span, { learning_rate, decay_epochs, decay_rate }, per) {
    const { decay_epochs: every, decay_rate: rate } = { ...DEFAULTS, ...given({ decay_epochs, decay_rate }) };
    return { learningRate: learning_rate * rate ** Math.floor(t / (every * per)) };
  },
  multistep(t, _span, { learning_rate, decay_milestones, decay_rate }, per) {
    const { decay_milestones: at, decay_rate: rate } = { ...DEFAULTS, ...given({ decay_milestones, decay_rate }) };
    return { learningRate: learning_rate * rate ** at.filter((milestone) => milestone * per <= t + 1).length };
  },
  /** Loshchilov & Hutter, SGDR, ICLR 2017, equation 5, with one cycle. */
  cosine: (t, span, { learning_rate, min_lr = 0 }) => ({
    learningRate: t < span ? cosineBetween(learning_rate, min_lr, t / span) : min_lr,
  }),
  onecycle(t, span, { learning_rate }) {
    const { rises, first, last, momentum } = ONE_CYCLE;
    const [top, end] = [rises * span - 1, span - 1];
    const [low, high] = momentum.toReversed() as [number, number];
    const lowest = learning_rate * first;
    if (t <= top) {
      const at = (from: number, to: number) => cosineBetween(from, to, t / top);
      return { learningRate: at(lowest, learning_rate), momentum: at(high, low) };
    }
    const at = (from: number, to: number) => cosineBetween(from, to, Math.min(1, (t - top) / (end - top)));
    return { learningRate: at(learning_rate, lowest * last), momentum: at(low, high) };
  },
};

/** Without unset values. */
const given = <T extends object>(values: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;

/**
 * The learning rate of an update, in float64: as timm 1.0.31, with linear warm-up, where --sched is given, else the
 * paper's.
 * @param epoch from 0 @param update within the epoch, from 0 @param updates per epoch
 */
export function rateAt(options: ScheduleOptions, epoch: number, update: number, updates: number): Rate {
  const { learning_rate: learningRate, lr_decay_epochs: decayEpochs, lr_decay_rate: decayRate, sched } = options;
  if (sched === undefined) return { learningRate: learningRateAt(epoch + 1, { learningRate, decayEpochs, decayRate }) };
  const per = options.sched_on_updates ? updates : 1;
  const t = options.sched_on_updates ? epoch * updates + update : epoch;
  const { warmup_epochs = 0, warmup_lr = DEFAULTS.warmup_lr, warmup_prefix = false, sched_epochs = 1 } = options;
  const warmup = warmup_epochs * per;
  if (t < warmup) return { learningRate: warmup_lr + (t * (learningRate - warmup_lr)) / warmup };
  return SCHEDULE_ROWS[sched](warmup_prefix ? t - warmup : t, sched_epochs * per, options, per);
}
