import { z } from "zod";
import { SCHEDULES } from "#pefd/config/recipe.js";
import { learningRateAt, rateAt, type ScheduleOptions } from "#pefd/learn/schedule.js";
import { absent, type Bound, type Check, checkNumbers } from "../comparison.js";

const rates = z.array(z.number());

/** schedules.json: timm's rates, and torch's. */
export const schedulesSchema = z.object({
  timm: z.record(
    z.string(),
    z.object({
      by: z.enum(["epoch", "update"]),
      base: z.number(),
      updatesPerEpoch: z.int(),
      arguments: z.looseObject({ sched: z.string(), num_epochs: z.number() }),
      lr: rates,
    }),
  ),
  torch: z.record(z.string(), z.object({ base: z.number(), lr: rates, momentum: rates.optional() })),
});

type SchedulesGolden = z.infer<typeof schedulesSchema>;

/** Arguments of timm's that are flags here. */
const KNOWN = [
  "sched",
  "num_epochs",
  "decay_epochs",
  "decay_milestones",
  "decay_rate",
  "warmup_epochs",
  "warmup_lr",
  "warmup_prefix",
  "min_lr",
  "cooldown_epochs",
];

/** torch's chainable forms multiply the previous rate. */
const BOUND: Bound = (expected) => 1e-9 * Math.abs(expected) + 1e-15;

const paper = (learning_rate: number) => ({ learning_rate, lr_decay_epochs: [], lr_decay_rate: 1 });

function checkTimm([name, golden]: [string, SchedulesGolden["timm"][string]]): Check[] {
  const { sched, num_epochs: sched_epochs, ...rest } = golden.arguments;
  const known = SCHEDULES.find((one) => one === sched);
  if (known === undefined || Object.keys(rest).some((key) => !KNOWN.includes(key))) return [absent(name)];
  const byUpdate = golden.by === "update";
  const options = { ...paper(golden.base), ...rest, sched: known, sched_epochs, sched_on_updates: byUpdate };
  const per = byUpdate ? golden.updatesPerEpoch : 1;
  const found = golden.lr.map((_, i) => rateAt(options, Math.floor(i / per), i % per, per).learningRate);
  return [checkNumbers(name, found, golden.lr, BOUND)];
}

const decaysOf = (learningRate: number, decayEpochs: number[]) => (n: number) =>
  learningRateAt(n + 1, { learningRate, decayEpochs, decayRate: 0.1 });

/** Those of torch's that there are here: the paper's steps, cosine and one-cycle. */
const TORCH: Readonly<Record<string, (base: number, n: number) => { learningRate: number; momentum?: number }>> = {
  "StepLR(15, 0.1)": (base, n) => ({ learningRate: decaysOf(base, [15, 30, 45])(n) }),
  "MultiStepLR([30,45,55], 0.1)": (base, n) => ({ learningRate: decaysOf(base, [30, 45, 55])(n) }),
  "CosineAnnealingLR(60)": (base, n) => at({ ...paper(base), sched: "cosine", sched_epochs: 60 }, n),
  "CosineAnnealingLR(60, 1e-4)": (base, n) =>
    at({ ...paper(base), sched: "cosine", sched_epochs: 60, min_lr: 1e-4 }, n),
  "OneCycleLR(0.1, total_steps=60)": (base, n) => at({ ...paper(base), sched: "onecycle", sched_epochs: 60 }, n),
};

const at = (options: ScheduleOptions, epoch: number) => rateAt(options, epoch, 0, 1);

function checkTorch([name, { base, lr, momentum }]: [string, SchedulesGolden["torch"][string]]): Check[] {
  const own = TORCH[name];
  if (own === undefined) return [absent(name)];
  const found = lr.slice(0, 60).map((_, n) => own(base, n));
  const momenta = found.map((each) => each.momentum ?? Number.NaN);
  return [
    checkNumbers(
      name,
      found.map(({ learningRate }) => learningRate),
      lr.slice(0, 60),
      BOUND,
    ),
    ...(momentum === undefined ? [] : [checkNumbers(`${name} momentum`, momenta, momentum.slice(0, 60), BOUND)]),
  ];
}

export const checkSchedules = ({ timm, torch }: SchedulesGolden): Check[] => [
  ...Object.entries(timm).flatMap(checkTimm),
  ...Object.entries(torch).flatMap(checkTorch),
];
