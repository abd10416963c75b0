import { sizeOf } from "../common/shapes.js";
import type { Ahead, EngineName, Feeds, PrecisionName } from "../compile/types.js";
import type { Method } from "../distill/method.js";
import type { TeacherView } from "../distill/views.js";
import type { Learner } from "../learn/learner.js";
import { mapShapes } from "../models/survey.js";
import type { Model, ModelOutput } from "../nn/model.js";
import type { Tensor } from "../runtime/tf.js";
import { mostTrainingSteps, singleSteps, stepsPerCallOf } from "./calls.js";
import type { EngineChoice } from "./engine.js";
import type { BatchSource } from "./source.js";

const PREFIX = "guide.";

const isGuide = ([name]: readonly [string, unknown]): boolean => name.startsWith(PREFIX);

type Looking = { readonly learner: Learner; readonly train: BatchSource; readonly batchSize: number };

/** Steps per teacher pass: as requested, at most an epoch's. @param steps full batches of an epoch */
export function groupOf(
  { engine, learner, ahead = 1 }: { readonly engine: EngineName; readonly learner: Learner; readonly ahead?: number },
  steps: number,
): number {
  const canGroup = engine === "xla" && learner.objective.guidance !== undefined;
  return canGroup ? Math.max(1, Math.min(ahead, steps)) : 1;
}

/** A teacher pass for several steps. */
export const aheadOf = ({ learner, train, batchSize }: Looking, steps: number): Ahead => ({
  steps,
  takes: Object.keys(train.specs(batchSize)),
  compute(feeds) {
    const views = learner.objective.guidance?.compute(train.batch(feeds).images) ?? {};
    return Object.fromEntries(Object.entries(views).map(([name, value]): [string, Tensor] => [PREFIX + name, value]));
  },
});

/** A step's fed teacher output; undefined where the step computes it. */
export function guideOf({ objective }: Learner, feeds: Feeds): Partial<ModelOutput> | undefined {
  const given = Object.entries(feeds).filter(isGuide);
  if (given.length === 0) return undefined;
  const views = given.map(([name, value]) => [name.slice(PREFIX.length), value]);
  return objective.guidance?.guideOf(Object.fromEntries(views));
}

/** By default: more save little. */
const MOST_STEPS = 4;

/** Default limit of the largest map, to stay in the L2 cache of current GPUs (50 to 128 MB) between convolutions. */
const MOST_BYTES = 32 * 2 ** 20;

/** Share of an epoch's steps that may fill no call for the sake of larger passes. */
const FEW = 0.02;

const ELEMENT_BYTES: Readonly<Record<PrecisionName, number>> = { float32: 4, bfloat16: 2, float16: 2 };

type TeacherModel = Pick<Model, "name" | "imageSize" | "featureSize" | "numClasses">;

export interface AheadRequest {
  readonly asked: number | undefined;
  readonly method: Pick<Method, "teacherMode">;
  readonly teacher: TeacherModel & { readonly members?: readonly TeacherModel[] };
  readonly views: readonly TeacherView[];
  readonly choice: Pick<EngineChoice, "engine" | "precision">;
  readonly gpu: boolean;
  readonly batchSize: number;
  /** Of an epoch's full batches. */
  readonly parts: readonly number[];
  /** Whether outputs must be bit-identical at each index of a batch. */
  readonly exact: boolean;
}

export type AheadChoice = { readonly steps: number; readonly why?: string };

const mapsOf = ({ name, imageSize }: TeacherModel): number[] => mapShapes(name, imageSize).maps.map(sizeOf);

function keptElements(teacher: TeacherModel, views: readonly TeacherView[]): number {
  const maps = mapsOf(teacher);
  const [largest, all] = [Math.max(...maps), maps.reduce((sum, size) => sum + size, 0)];
  // A map counts twice: before and after its last ReLU.
  const sizes = views.map((view) => {
    if (view === "logits") return teacher.numClasses;
    if (view === "pooled") return teacher.featureSize;
    if (view === "maps") return 2 * all;
    return 2 * (view === "stem" ? largest : (maps[Number(view.slice(3)) - 1] ?? largest));
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** As fits a GPU's L2 cache: 1, 2, 4; fewer where clearly more steps would fill no call. */
function stepsByMemory(request: AheadRequest): number {
  const { teacher, choice, views, batchSize, parts } = request;
  const { members = [teacher] } = teacher;
  const kept = members.reduce((sum, one) => sum + keptElements(one, views), 0);
  const bytes = Math.max(
    Math.max(...members.flatMap(mapsOf)) * ELEMENT_BYTES[choice.precision],
    kept * ELEMENT_BYTES.float32,
  );
  const all = parts.reduce((sum, part) => sum + part, 0);
  const singles = (group: number): number =>
    singleSteps(parts, stepsPerCallOf(parts, mostTrainingSteps(batchSize), group));
  const fits = (steps: number): boolean =>
    steps * batchSize * bytes <= MOST_BYTES && singles(steps) - singles(1) <= FEW * all;
  return [MOST_STEPS, MOST_STEPS / 2].find(fits) ?? 1;
}

/** Steps per teacher pass of a distillation. */
export function teacherAhead(request: AheadRequest): AheadChoice {
  const { asked, method, views, choice, gpu, exact } = request;
  const only = (why: string): AheadChoice => (asked === undefined || asked === 1 ? { steps: 1 } : { steps: 1, why });
  if (choice.engine !== "xla") return only(`the ${choice.engine} engine takes one step at a time`);
  if (views.length === 0) return only("the loss with these weights does not look at the teacher");
  if (method.teacherMode === "training") return only("the method's teacher takes statistics of each batch");
  if (exact) {
    return only(
      "an image's place among others may change the last bits of the teacher's outputs, which --deterministic forbids",
    );
  }
  if (asked !== undefined) return { steps: asked };
  return { steps: gpu ? stepsByMemory(request) : 1 };
}
