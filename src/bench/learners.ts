import { ownOptions } from "../distill/open.js";
import { publishedSetting } from "../distill/published.js";
import { methodRow } from "../distill/registry.js";
import { type TeacherView, usedViews } from "../distill/views.js";
import type { Learner } from "../learn/learner.js";
import { type FrozenModel, frozen, studentLearner } from "../learn/learners.js";
import { buildModel, initialFill } from "../models/build.js";

const SEED = 10;

/** What models are made for. */
export interface LearningTask {
  readonly numClasses: number;
  /** Side of the images; that which the models are made for where left out. */
  readonly imageSize?: number;
  /** Of the training images: memory banks are as large as in a training. */
  readonly labels: ArrayLike<number>;
  readonly batchSize: number;
}

/** A model with initial weights. */
export const initialised = (
  name: string,
  { numClasses, imageSize }: Pick<LearningTask, "numClasses" | "imageSize">,
) => buildModel(name, numClasses, initialFill(name, SEED, "teacher"), imageSize);

/** A student that is timed, and its teacher. */
export interface TimedStudent {
  readonly learner: Learner;
  readonly guide: FrozenModel;
  /** What the loss looks at of the teacher. */
  readonly views: readonly TeacherView[];
}

/** A pair and a method with initial weights and the method's published setting. @throws inputError where they do not fit */
export function timedStudent(
  { teacher, student, method }: Readonly<Record<"teacher" | "student" | "method", string>>,
  task: LearningTask,
): TimedStudent {
  const guide = frozen(initialised(teacher, task));
  const row = methodRow(method);
  const { weights, options } = publishedSetting(row, `${teacher}-${student}`);
  const setting = {
    ...{ model_s: student, distill: method, batch_size: task.batchSize },
    ...{ ...weights, ...options },
  };
  const learner = studentLearner(guide.model, setting, task.numClasses, SEED, task.labels);
  return { learner, guide, views: usedViews(row.sees(ownOptions(row, options)), weights) };
}
