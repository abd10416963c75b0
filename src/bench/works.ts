import { CIFAR100 } from "../data/cifar/row.js";
import { ownOptions } from "../distill/open.js";
import { publishedSetting } from "../distill/published.js";
import { methodRow } from "../distill/registry.js";
import { usedViews } from "../distill/views.js";
import { variablesOf } from "../learn/learner.js";
import { frozen, studentLearner, teacherLearner } from "../learn/learners.js";
import { buildModel, initialFill } from "../models/build.js";
import { isGpu } from "../runtime/device.js";
import { teacherAhead } from "../train/ahead/choice.js";
import { evaluationWork } from "./evaluationWork.js";
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

const initialised = (name: string) =>
  buildModel(name, NUM_CLASSES, initialFill(name, SEED, "teacher"));

function distillWork({ teacher, student, method, ahead }: Pair, size: WorkSize): Work {
  const guide = frozen(initialised(teacher));
  const row = methodRow(method);
  const { weights, options } = publishedSetting(row, `${teacher}-${student}`);
  const setting = {
    ...{ model_s: student, distill: method, batch_size: size.batchSize },
    ...{ ...weights, ...options },
  };
  const learner = studentLearner(guide.model, setting, NUM_CLASSES, SEED, LABELS);
  const what = `distill ${method} ${teacher} -> ${student}`;
  const views = usedViews(row.sees(ownOptions(row, options)), weights);
  const looking = {
    ...{ asked: ahead, method: row, teacher: guide.model, views },
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
  const model = initialised(student);
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
