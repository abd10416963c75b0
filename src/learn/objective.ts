import { inputError } from "../common/errors.js";
import type { MomentumPart, Phase, StepContext } from "../distill/method.js";
import type { OpenedMethod } from "../distill/open.js";
import { crossEntropy, distillKL } from "../distill/parts/losses.js";
import {
  outputOfViews,
  seenTeachers,
  type TeacherView,
  usedViews,
  type ViewTensors,
  viewTensors,
} from "../distill/views.js";
import type { LossWeights } from "../distill/weights.js";
import type { ForwardContext, Model, ModelOutput } from "../nn/model.js";
import {
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tf,
  type Update,
} from "../runtime/tf.js";

export interface Batch {
  /** [N, height, width, 3], normalised */
  readonly images: Tensor4D;
  /** [N], int32 */
  readonly labels: Tensor1D;
  /** [N], int32: indices into the training set */
  readonly image?: Tensor1D;
  /** float32, from 1; in training */
  readonly epoch?: Scalar;
  /** Of the same images, if the method asks for it. */
  readonly strong?: Tensor4D;
  readonly drawn?: Readonly<Record<string, Tensor>>;
  /** The loss of logits and one-hot labels [N, C]; cross entropy by default. */
  readonly task?: (logits: Tensor2D, oneHot: Tensor2D) => Scalar;
  /** Whether each image is a mix of two. */
  readonly mixed?: boolean;
  /** The teacher's output, as far as cached or computed ahead. */
  readonly guide?: Partial<ModelOutput>;
}

export interface Loss {
  readonly value: Scalar;
  /** Unweighted, in the order of Objective.termNames. */
  readonly terms: readonly Scalar[];
  /** Of each part that the optimizer has a momentum buffer for. */
  readonly parts?: readonly Scalar[];
}

/** What depends only on a batch's images: a frozen teacher's output. */
export interface Guidance {
  /** By name, with the batch as first axis. */
  compute(images: Tensor4D): ViewTensors;
  guideOf(tensors: ViewTensors): Partial<ModelOutput>;
}

export interface Objective {
  /** Separately logged; none for a single term. */
  readonly termNames: readonly string[];
  /** Computes the part that depends on no parameters; returns a function for the loss. @param context collects updates without gradients */
  of(batch: Batch): (output: StudentOutput, oneHot: Tensor2D, context: ForwardContext) => Loss;
  /** Absent without a teacher, and where its output depends on the rest of the batch. */
  readonly guidance?: Guidance;
}

/** With the output for the strong view, if any. */
export type StudentOutput = ModelOutput & { readonly strong?: ModelOutput };

export const supervised: Objective = {
  termNames: [],
  of:
    ({ task = crossEntropy }) =>
    (output, oneHot) => ({ value: task(output.logits, oneHot), terms: [] }),
};

export interface TeacherConfig {
  /** Absent for a teacher-free method. */
  readonly teacher?: Model;
  /** Number of each teacher's maps. */
  readonly teacherMaps: readonly number[];
  readonly method: OpenedMethod;
}

export interface DistillConfig extends TeacherConfig {
  readonly weights: LossWeights;
  /** Of alpha's KL divergence between logits. */
  readonly temperature: number;
}

type Weighted = readonly (readonly [weight: number, term: Scalar])[];

/** The paper's objective gamma CE + alpha KL + beta * terms, without zero-weight ones; the teacher may be cached. */
export function distilling(config: DistillConfig): Objective {
  const { method, weights, temperature } = config;
  const { gamma, alpha, beta } = weights;
  const own = beta === 0 ? [] : method.termNames;
  const seen = (logits: Tensor2D): Tensor2D => (beta !== 0 && method.logits?.(logits)) || logits;
  const termNames = [...(gamma === 0 ? [] : ["ce"]), ...(alpha === 0 ? [] : ["kl"]), ...own];
  return {
    termNames,
    ...guidedBy(config, usedViews(method.sees, weights)),
    of(batch) {
      const guides = taught(config, batch);
      return (output, oneHot, context) => {
        context.updates.push(...guides.updates);
        const terms: [number, Scalar][] = [];
        if (gamma !== 0)
          terms.push([gamma, taskLoss(ofHead(output, "labels"), oneHot, seen, method.classView, batch.task)]);
        const student = ofHead(output, "teacher");
        if (alpha !== 0) {
          const theirs = seen(guides.guide.logits as Tensor2D);
          terms.push([alpha, distillKL(seen(student.logits), theirs, temperature)]);
        }
        const found = own.length === 0 ? {} : method.terms(stepContextOf(batch, student, guides, oneHot), context);
        for (const name of own) {
          const weight = beta * (method.termWeights?.[name] ?? 1);
          terms.push([weight, found[name] ?? tf.scalar(0)]);
        }
        return {
          value: weightedSum(terms),
          terms: terms.map(([, term]) => term),
          ...partsOf(method, termNames, terms),
        };
      };
    },
  };
}

/** The output with the logits of one head, of a model that has two: one learns from labels, one from the teacher (DeiT). */
const ofHead = (output: StudentOutput, head: "labels" | "teacher"): StudentOutput => {
  const { heads, strong } = output;
  return heads === undefined
    ? output
    : { ...output, logits: heads[head], ...(strong && { strong: ofHead(strong, head) }) };
};

/** Mean cross entropy, summed over both views if there is a strong one. */
function taskLoss(
  { logits, strong }: StudentOutput,
  oneHot: Tensor2D,
  seen: (logits: Tensor2D) => Tensor2D,
  classView: boolean,
  task: Batch["task"] = crossEntropy,
): Scalar {
  const weak = task(seen(logits), oneHot);
  return strong === undefined || classView ? weak : tf.add(weak, task(seen(strong.logits), oneHot));
}

/** Objective of a first phase: its own loss, the sum of its terms, or the main part's with its terms alone. */
export const ofPhase = (config: DistillConfig, { terms, loss }: Phase): Objective =>
  loss === undefined
    ? distilling({ ...config, method: { ...config.method, termNames: terms } })
    : ofOwnLoss(config, terms, loss);

const ofOwnLoss = (
  config: TeacherConfig,
  termNames: readonly string[],
  loss: NonNullable<Phase["loss"]>,
): Objective => ({
  termNames,
  ...guidedBy(config, config.method.sees),
  of(batch) {
    const guides = taught(config, batch);
    return (student, oneHot, context) => {
      context.updates.push(...guides.updates);
      const found = loss(stepContextOf(batch, student, guides, oneHot), context);
      const terms = termNames.map((name) => found[name] ?? tf.scalar(0));
      const weighted = terms.map((term) => [1, term] as const);
      return { value: weightedSum(weighted), terms, ...partsOf(config.method, termNames, weighted) };
    };
  },
});

/** Sums of the terms of each part that the optimizer has a momentum buffer for. @param names of the terms */
function partsOf({ optimizer }: OpenedMethod, names: readonly string[], terms: Weighted): Pick<Loss, "parts"> {
  const { momenta } = optimizer ?? {};
  if (momenta === undefined) return {};
  const named = new Set(momenta.flatMap((part) => part.terms ?? []));
  const isIn = (part: MomentumPart, name: string) => part.terms?.includes(name) ?? !named.has(name);
  const sumOf = (some: Weighted) => (some.length === 0 ? tf.scalar(0) : weightedSum(some));
  return { parts: momenta.map((part) => sumOf(terms.filter((_, i) => isIn(part, names[i] as string)))) };
}

type SeenTeachers = ReturnType<typeof seenTeachers>;

interface Guides {
  readonly guide: Partial<ModelOutput>;
  readonly seen: SeenTeachers;
  readonly strong: SeenTeachers | undefined;
  /** Running statistics of a teacher in training mode. */
  readonly updates: readonly Update[];
}

function taught({ teacher, teacherMaps, method }: TeacherConfig, batch: Batch): Guides {
  const context: ForwardContext = { training: method.teacherTrains, updates: [] };
  const see = (output: Partial<ModelOutput>) => seenTeachers(output, method.sees, teacherMaps);
  const guide = batch.guide ?? teacher?.forward(batch.images, context) ?? {};
  const strong = batch.strong && teacher && !method.classView ? see(teacher.forward(batch.strong, context)) : undefined;
  return { guide, seen: see(guide), strong, updates: context.updates };
}

/** The guidance of an objective with some views. */
function guidedBy(
  { teacher, teacherMaps, method }: TeacherConfig,
  views: readonly TeacherView[],
): Pick<Objective, "guidance"> {
  if (teacher === undefined || views.length === 0 || method.teacherTrains) return {};
  const evaluation: ForwardContext = { training: false, updates: [] };
  return {
    guidance: {
      compute: (images) => viewTensors(teacher.forward(images, evaluation), views),
      guideOf: (tensors) => outputOfViews(tensors, teacherMaps),
    },
  };
}

function stepContextOf(batch: Batch, student: StudentOutput, guides: Guides, oneHot: Tensor2D): StepContext {
  const given = <Value>(what: string, value: Value | undefined): Value => {
    if (value !== undefined) return value;
    throw new Error(`The method uses the ${what} of a step without one.`);
  };
  const ofOneImage = <Value>(what: string, value: Value): Value => {
    if (!batch.mixed) return value;
    throw inputError(
      `This method looks at the ${what} of an image, and --mixup and --cutmix mix two images.`,
      "Leave mixing out, or take a method without labels, such as kd.",
    );
  };
  return {
    student,
    ...guides.seen,
    images: batch.images,
    get oneHot() {
      return ofOneImage("label", oneHot);
    },
    get labels() {
      return ofOneImage("label", batch.labels);
    },
    get strong() {
      return {
        student: given("second view", student.strong),
        get teacher() {
          return given("strong view", guides.strong).teacher;
        },
      };
    },
    get image() {
      return ofOneImage("index", given("image indices", batch.image));
    },
    get epoch() {
      return given("epoch", batch.epoch);
    },
    get drawn() {
      return given("random inputs", batch.drawn);
    },
  };
}

/** Written as differences so that no graph optimizer reorders the sum (see optimizers.ts). */
function weightedSum(terms: Weighted): Scalar {
  const [first, ...rest] = terms;
  if (first === undefined) throw new Error("At least one term of the loss needs a weight.");
  let sum: Tensor = tf.mul(first[1], first[0]);
  for (const [weight, term] of rest) sum = tf.sub(sum, tf.mul(term, -weight));
  return sum as Scalar;
}
