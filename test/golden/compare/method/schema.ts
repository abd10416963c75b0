import { z } from "zod";
import { shape, summary } from "../schema.js";

const numbers = z.array(z.number());
const rows = z.array(numbers);
const flags = z.array(z.string());
const shapes = z.array(shape);
const moved = summary.extend({ deltaL2: z.number() });
const terms = z.record(z.string(), z.number());
const teacherMode = z.enum(["eval", "train"]).optional();

/** Name in the authors' code, shape in PyTorch's layout, role, key of the formula. */
export const ownRow = z.tuple([z.string(), shape, z.string(), z.int()]);

/** What a method keeps from step to step. */
const kept = {
  /** Rows of the batch in each memory bank, and the constants of the scores. */
  memoryAfter: z.record(z.string(), z.array(summary)).default({}),
  zV1: z.number().optional(),
  zV2: z.number().optional(),
  /** Means of the student's vectors by class: of the first phase, and of what follows it. */
  context1: summary.optional(),
  context2: summary.optional(),
  /** A queue of embeddings. */
  queueAfter: summary.optional(),
  /** Whether an embedding of the student's features learns: always, where there is one. */
  embedTrained: z.literal(true).optional(),
};

/** One term alone, between stand-ins of the two networks. */
const entry = z.strictObject({
  ...kept,
  shapes: z.object({ student: shapes, teacher: shapes, batch: z.int().positive() }).optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  flags: flags.default([]),
  ownState: z.array(ownRow).default([]),
  value: z.number(),
  /** All terms of the authors' program for the same stand-ins; the value is the method's among them. */
  terms: terms.optional(),
  grads: z.record(z.string(), summary).default({}),
  gradZero: z.array(z.string()).default([]),
  /** What is drawn, in words: drawn.ts. */
  noise: z.string().optional(),
  teacherMode,
  spread: z.object({
    valueMaxRel: z.number(),
    gradL2MaxRel: z.number(),
    gradFirst8MaxAbs: z.number().optional(),
    context1MaxAbs: z.number().optional(),
    context2MaxAbs: z.number().optional(),
  }),
});

const TEACHERS_SPREAD = {
  teacherLogits0MaxAbs: z.number().optional(),
  teacherLogits1MaxAbs: z.number().optional(),
  teacherLogits2MaxAbs: z.number().optional(),
};

/** Some steps of distillation. */
const trajectory = z.strictObject({
  ...kept,
  noise: z.string().optional(),
  teacher: z.string(),
  /** Where there are several: models, and the formula's key of each one's first tensor. */
  teachers: z.array(z.tuple([z.string(), z.int()])).optional(),
  student: z.string(),
  numClasses: z.int().positive(),
  flags: flags.default([]),
  fixtureFlags: flags.default([]),
  epoch: z.int().default(1),
  input: z.object({ k: z.int(), shape, scale: z.number(), labels: z.array(z.int()) }),
  optimizer: z
    .array(
      z.object({
        lr: z.number(),
        momentum: z.number().default(0.9),
        weightDecay: z.number(),
        nesterov: z.boolean(),
        tensors: z.int(),
        momentumKd: z.number().optional(),
      }),
    )
    .min(1),
  ownState: z.array(ownRow).default([]),
  /** Where the second half of the images are others of the first half's classes. */
  labels: z.array(z.int()).optional(),
  teacherOut: z.object({ penultimate: summary.optional(), logits: summary }),
  teacherLogits0: summary.optional(),
  teacherLogits1: summary.optional(),
  teacherLogits2: summary.optional(),
  initPerStep: z.array(terms).default([]),
  initAfter: z.record(z.string(), summary).default({}),
  perStep: z.array(terms),
  after: z.record(z.string(), moved),
  afterEvalLogits: rows,
  /** What the method predicts, where that is more than the student's logits. */
  afterEvalLogitsProjected: rows.optional(),
  afterEvalLogitsContext: rows.optional(),
  inputStrong: z.object({ k: z.int(), shape, scale: z.number() }).optional(),
  teacherMode,
  spread: z.object({
    lossMaxRelPerStep: numbers,
    initLossMaxRel: z.number().optional(),
    afterFirst8MaxAbs: z.number(),
    afterL2MaxRel: z.number(),
    afterDeltaL2MaxRel: z.number(),
    afterEvalLogitsMaxAbs: z.number(),
    ...TEACHERS_SPREAD,
    context1MaxAbs: z.number().optional(),
    context2MaxAbs: z.number().optional(),
    afterEvalLogitsProjectedMaxAbs: z.number().optional(),
    afterEvalLogitsContextMaxAbs: z.number().optional(),
  }),
});

/** METHOD.json: what the code of a method's authors computes. */
export const methodSchema = z.object({
  method: z.string(),
  upstream: z.object({ repo: z.string(), files: z.array(z.string()).default([]) }),
  losses: z.record(z.string(), entry).default({}),
  trajectory: trajectory.optional(),
});

export type MethodGolden = z.infer<typeof methodSchema>;
export type TermGolden = z.infer<typeof entry>;
export type StepsGolden = z.infer<typeof trajectory>;
export type KeptGolden = Pick<
  StepsGolden | TermGolden,
  "memoryAfter" | "queueAfter" | "zV1" | "zV2" | "context1" | "context2"
> & {
  readonly spread: {
    readonly context1MaxAbs?: number | undefined;
    readonly context2MaxAbs?: number | undefined;
  };
};
export type OwnRow = z.infer<typeof ownRow>;
