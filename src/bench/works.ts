import { CIFAR100 } from "../data/cifar/row.js";
import { methodRow } from "../distill/registry.js";
import { variablesOf } from "../learn/learner.js";
import { teacherLearner } from "../learn/learners.js";
import { isGpu } from "../runtime/device.js";
import { teacherAhead } from "../train/ahead/choice.js";
import { evaluationWork } from "./evaluationWork.js";
import { initialised, timedStudent } from "./learners.js";
import { trainingWork } from "./trainingWork.js";
import type { Work, WorkName, WorkSize } from "./types.js";

const NUM_CLASSES = CIFAR100.classes;
const SEED = 10;

/** Of CIFAR-100's training images: memory banks are as large as in a training. */
const LABELS = Int32Array.from({ length: 50_000 }, (_, image) => image % NUM_CLASSES);

/** Which pair and method are timed. */
export interface Pair {
  readonly teacher: string;
  readonly student: string;
  readonly method: string;
  /** For how many steps at once the teacher looks at images; as by default where undefined. */
  readonly ahead?: number | undefined;
}

function distillWork({ teacher, student, method, ahead }: Pair, size: WorkSize): Work {
  const task = { numClasses: NUM_CLASSES, labels: LABELS, batchSize: size.batchSize };
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

const teacherWork = ({ teacher }: Pair, size: WorkSize): Work =>
  trainingWork(`train teacher ${teacher}`, teacherLearner(teacher, NUM_CLASSES, SEED), [], size);

/** The student as it is evaluated after each epoch: not folded. */
function evaluateWork({ student }: Pair, size: WorkSize): Work {
  const model = initialised(student, { numClasses: NUM_CLASSES });
  return evaluationWork(
    `evaluate ${student}`,
    { model, variables: variablesOf(model.state) },
    size,
  );
}

/** How each work is made, with initial weights: no checkpoint is needed. */
export const WORKS: Readonly<Record<WorkName, (pair: Pair, size: WorkSize) => Work>> = {
  distill: distillWork,
  teacher: teacherWork,
  evaluate: evaluateWork,
};
