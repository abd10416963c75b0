import { methodRow } from "../distill/registry.js";
import { variablesOf } from "../learn/learner.js";
import { teacherLearner } from "../learn/learners.js";
import { surveyModel } from "../models/survey.js";
import { isGpu } from "../runtime/device.js";
import { teacherAhead } from "../train/ahead/choice.js";
import { evaluationWork } from "./evaluationWork.js";
import { initialised, timedStudent } from "./learners.js";
import { trainingWork } from "./trainingWork.js";
import type { ImageKind, Work, WorkName, WorkSize } from "./types.js";

const SEED = 10;

/** Of as many training images as CIFAR-100 has: memory banks are as large as in a training on it. */
const labelsOf = ({ classes }: ImageKind): Int32Array =>
  Int32Array.from({ length: 50_000 }, (_, image) => image % classes);

/**
 * What the images of a pair are like: as many classes as the student is made for, and its size unless another one is asked
 * for.
 */
export function imageKindOf({
  student,
  imageSize,
}: Pick<Pair, "student" | "imageSize">): ImageKind {
  const made = surveyModel(student);
  return { side: imageSize ?? made.imageSize, classes: made.numClasses };
}

/** Which pair and method are timed. */
export interface Pair {
  readonly teacher: string;
  readonly student: string;
  readonly method: string;
  /** For how many steps at once the teacher looks at images; as by default where undefined. */
  readonly ahead?: number | undefined;
  /** Side of the images; the one that the student is made for where undefined. */
  readonly imageSize?: number | undefined;
}

/** As learners are told it. */
const taskOf = ({ classes, side }: ImageKind) => ({ numClasses: classes, imageSize: side });

function distillWork(pair: Pair, plain: WorkSize): Work {
  const { teacher, student, method, ahead } = pair;
  const kind = imageKindOf(pair);
  const size = { ...plain, kind };
  const task = { ...taskOf(kind), labels: labelsOf(kind), batchSize: size.batchSize };
  const { learner, guide, views } = timedStudent({ teacher, student, method }, task);
  const what = `distill ${method} ${teacher} -> ${student}`;
  const looking = {
    ...{ asked: ahead, method: methodRow(method), teacher: guide.model, views },
    ...{ batchSize: size.batchSize, stepsPerEpoch: size.steps },
  };
  const work = trainingWork(what, learner, guide.variables, size, (choice) => {
    return teacherAhead({ ...looking, choice, gpu: isGpu(), exact: false }).steps;
  });
  return { ...work, method };
}

function teacherWork(pair: Pair, size: WorkSize): Work {
  const kind = imageKindOf(pair);
  const learner = teacherLearner(pair.teacher, kind.classes, SEED);
  return trainingWork(`train teacher ${pair.teacher}`, learner, [], { ...size, kind });
}

/** The student as it is evaluated after each epoch: not folded. */
function evaluateWork(pair: Pair, size: WorkSize): Work {
  const { student } = pair;
  const kind = imageKindOf(pair);
  const model = initialised(student, taskOf(kind));
  return evaluationWork(
    `evaluate ${student}`,
    { model, variables: variablesOf(model.state) },
    { ...size, kind },
  );
}

/** How each work is made, with initial weights: no checkpoint is needed. */
export const WORKS: Readonly<Record<WorkName, (pair: Pair, size: WorkSize) => Work>> = {
  distill: distillWork,
  teacher: teacherWork,
  evaluate: evaluateWork,
};
