import { z } from "zod";

export const shape = z.array(z.int().nonnegative());
const numbers = z.array(z.number());
const rows = z.array(numbers);
export const summary = z.object({
  shape,
  l2: z.number(),
  first8: numbers,
  probe8: numbers,
  mean: z.number().optional(),
  std: z.number().optional(),
});
const images = z.object({ k: z.int(), shape, scale: z.number(), labels: z.array(z.int()) });
const normState = z.object({ name: z.string(), runningMean: numbers, runningVar: numbers });

/** models/NAME.json: one model's layout and results. */
export const modelSchema = z.object({
  name: z.string(),
  numClasses: z.int().positive(),
  paramCount: z.int(),
  stateDict: z.array(z.tuple([z.string(), shape, z.string()])),
  stateCheck: z.object({ sum: z.number(), l2: z.number() }),
  input: images,
  eval: z.object({
    logits: rows,
    features: z.array(summary),
    featuresPreact: z.array(summary),
  }),
  train: z.object({
    logits: rows,
    ceLoss: z.number(),
    runningMeanAfter: z.object({ first: normState, last: normState }),
    gradL2: z.record(z.string(), z.number()),
    gradZero: z.array(z.string()),
    gradFirst4: z.record(z.string(), numbers),
  }),
  spread: z.object({
    evalLogitsMaxAbs: z.number(),
    evalFeatureMaxAbs: z.number(),
    trainLogitsMaxAbs: z.number(),
    ceLossAbs: z.number(),
    gradL2MaxRel: z.number(),
    gradZeroL2Max: z.number(),
    gradFirst4MaxAbs: z.record(z.string(), z.number()),
  }),
});

const input = summary.extend({
  k: z.int(),
  rule: z.enum(["signed", "nonNegative"]),
  scale: z.number().optional(),
});

/** losses.json: values and gradients of loss terms. */
export const lossesSchema = z.object({
  inputs: z.object({
    labels: z.array(z.int()),
    logitS: input,
    logitT: input,
    featS256: input,
    featS128: input,
    featT256: input,
  }),
  losses: z.record(z.string(), z.object({ value: z.number(), grads: z.record(z.string(), summary) })),
  spread: z.object({ valueMaxRel: z.number(), gradL2MaxRel: z.number() }),
});

/** trajectory_METHOD.json: a few steps of distillation. */
export const trajectorySchema = z.object({
  method: z.string(),
  student: z.string(),
  teacher: z.string(),
  numClasses: z.int().positive(),
  gamma: z.number(),
  alpha: z.number(),
  beta: z.number(),
  kdT: z.number(),
  sgd: z.object({ lr: z.number(), momentum: z.number(), weightDecay: z.number() }),
  steps: z.int().positive(),
  projectors: z.int().nonnegative(),
  input: images,
  teacherOut: z.object({ penultimate: summary, logits: summary }),
  perStep: z.array(z.object({ ce: z.number(), div: z.number(), kd: z.number(), total: z.number() })),
  after: z.record(z.string(), summary.extend({ deltaL2: z.number() })),
  afterEvalLogits: rows,
  spread: z.object({
    lossMaxRelPerStep: numbers,
    afterFirst8MaxAbs: z.number(),
    afterL2MaxRel: z.number(),
    afterDeltaL2MaxRel: z.number(),
    afterEvalLogitsMaxAbs: z.number(),
  }),
});

/** schedule.json: the learning rate of every epoch. */
export const scheduleSchema = z.record(
  z.string(),
  z.object({ learningRate: z.number(), decayEpochs: numbers, decayRate: z.number(), lr: numbers }),
);

export type TensorSummary = z.infer<typeof summary>;
export type ImagesInput = z.infer<typeof images>;
export type LossInput = z.infer<typeof input>;
export type ModelGolden = z.infer<typeof modelSchema>;
export type LossesGolden = z.infer<typeof lossesSchema>;
export type TrajectoryGolden = z.infer<typeof trajectorySchema>;
export type ScheduleGolden = z.infer<typeof scheduleSchema>;
