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
const layout = z.array(z.tuple([z.string(), shape, z.string()]));
const stateCheck = z.object({ sum: z.number(), l2: z.number() });
const spreads = z.object({
  evalLogitsMaxAbs: z.number(),
  trainLogitsMaxAbs: z.number(),
  ceLossAbs: z.number(),
  gradL2MaxRel: z.number(),
  gradZeroL2Max: z.number(),
});
const normState = z.object({ name: z.string(), runningMean: numbers, runningVar: numbers });

/** models/NAME.json: one model's layout and results. */
export const modelSchema = z.object({
  name: z.string(),
  numClasses: z.int().positive(),
  paramCount: z.int(),
  stateDict: layout,
  stateCheck,
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
  spread: spreads.extend({ evalFeatureMaxAbs: z.number(), gradFirst4MaxAbs: z.record(z.string(), z.number()) }),
});

const entries = z.object({ first4: numbers, probe8: numbers });
const heads = z.tuple([summary, summary]);

/** A model of timm's: its layout and results. Outputs of modules (`taps`) are not compared. */
export const timmModelSchema = z.object({
  timmName: z.string(),
  name: z.string(),
  numClasses: z.int().positive(),
  paramCount: z.int(),
  activations: z.array(z.string()),
  runningVar: z.object({ centre: z.number(), scale: z.number() }).optional(),
  stateDict: layout,
  stateCheck,
  input: images.extend({ labelsDist: z.array(z.int()).optional() }),
  eval: z.object({ logits: rows, heads: heads.optional() }),
  train: z.object({
    logits: summary.optional(),
    heads: heads.optional(),
    ceLoss: z.number(),
    gradL2: z.record(z.string(), z.number()),
    gradZero: z.array(z.string()),
    gradZeroRange: z.record(z.string(), z.tuple([z.int(), z.int()])),
    gradEntries: z.record(z.string(), entries),
    runningAfter: z.array(normState).optional(),
  }),
  spread: spreads.extend({ gradEntriesMaxAbs: z.record(z.string(), z.number()) }),
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
export type NormState = z.infer<typeof normState>;
export type ModelGolden = z.infer<typeof modelSchema>;
export type TimmModelGolden = z.infer<typeof timmModelSchema>;
export type LossesGolden = z.infer<typeof lossesSchema>;
export type TrajectoryGolden = z.infer<typeof trajectorySchema>;
export type ScheduleGolden = z.infer<typeof scheduleSchema>;
