import type { EngineName } from "#pefd/compile/types.js";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { epochPlan } from "#pefd/data/sampler.js";
import { resetMomentum, trainedVariables } from "#pefd/learn/learner.js";
import { frozen, studentLearner } from "#pefd/learn/learners.js";
import { addedBy } from "#pefd/learn/methodSurvey.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { tf } from "#pefd/runtime/tf.js";
import type { TrainingSession } from "#pefd/train/session.js";
import { type Stage, stagesOf } from "#pefd/train/session.js";
import { noiseImages, openTraining, type Pupil } from "../../compile/scenes.js";
import { procedureNamed } from "../../helpers/procedures.js";

const CLASSES = 100;
const BATCH = 4;
/** Of each epoch. */
const STEPS = 2;
/** Some losses grow without end on untrained weights at the rate of a training. */
const LEARNING_RATE = 0.0002;
const TRAIN = noiseImages(BATCH * STEPS, 1);
/** Labels for a method that asks for them. */
const LABELS = Int32Array.from({ length: BATCH * STEPS }, (_, image) => image % 5);

/** A phase that a method begins with takes one of the two epochs. */
const TOLD = { init_epochs: 1 };

/** The teacher of a student: a small one of another family where the method fits that pair, the student's kind where not. */
const SMALL_TEACHER = "resnet8";

/** What is trained: a method's or a variant's name, and the models. */
export interface Case {
  readonly published: string;
  readonly teacher: string;
  readonly student: string;
}

/** A case for a student; undefined where the method fits neither teacher, which refused.test.ts tells the reasons of. */
export function caseFor(published: string, student: string): Case | undefined {
  const { method, set } = procedureNamed(published);
  const isRefused = (teacher: string) => typeof addedBy(method, { ...TOLD, ...set }, { teacher, student }) === "string";
  const teacher = [SMALL_TEACHER, student].find((one) => !isRefused(one));
  return teacher === undefined ? undefined : { published, student, teacher };
}

/** A new student with its teacher, always with the same first values. */
export function pupilOf({ published, teacher, student }: Case): Pupil {
  const { method, set } = procedureNamed(published);
  const made = buildModel(teacher, CLASSES, initialFill(teacher, 6, "teacher"));
  const { model, variables } = frozen(made, method.teacherMode);
  const setting = {
    ...TOLD,
    ...set,
    gamma: 1,
    alpha: 0.5,
    beta: 2,
    model_s: student,
    distill: method.name,
    batch_size: BATCH,
  };
  return {
    learner: studentLearner(model, setting, CLASSES, 5, LABELS),
    constants: variables,
  };
}

/** The training of a pupil, from epoch to epoch. */
interface Course {
  /** Trains an epoch. @returns the sums of its loss, its accuracies and its terms */
  epoch(number: number): number[];
  /** Brings what was trained into the pupil's variables. */
  pull(): void;
  end(): void;
}

/** Opens a course; each part of the training has a program of its own. */
export function openCourse(pupil: Pupil, engine: EngineName): Course {
  const stages = stagesOf(pupil.learner);
  const setup = { engine, train: TRAIN, batchSize: BATCH };
  let opened: { stage: Stage; session: TrainingSession } | undefined;
  const end = () => {
    opened?.session.pull();
    opened?.session.dispose();
    opened = undefined;
  };
  const sessionOf = (epoch: number): TrainingSession => {
    const stage = stages.find((one) => epoch < one.end) as Stage;
    if (opened?.stage === stage) return opened.session;
    end();
    if (stage.resetsMomentum && stage.first === epoch) resetMomentum(pupil.learner);
    const session = openTraining({ ...pupil, learner: stage.learner }, setup);
    opened = { stage, session };
    return session;
  };
  return {
    epoch(epoch) {
      const session = sessionOf(epoch);
      const plan = epochPlan(10, epoch, TRAIN.count, CIFAR100_FORMAT.augmentation);
      const rows = plan.length / STEPS;
      session.restart([]);
      for (let step = 1; step <= STEPS; step++) {
        const place = { learningRate: LEARNING_RATE, epoch, step };
        session.train(plan.subarray((step - 1) * rows, step * rows), place);
      }
      return session.sums();
    },
    pull: () => opened?.session.pull(),
    end,
  };
}

/** All that a run goes on with, with the names of its tensors. */
export const standing = ({ learner }: Pupil): { name: string; values: Float32Array }[] =>
  trainedVariables(learner).map((variable) => ({
    name: variable.name,
    values: Float32Array.from(variable.dataSync()),
  }));

/** Gives a new pupil what another one has come to. */
export function goOnFrom({ learner }: Pupil, state: ReturnType<typeof standing>): void {
  for (const [i, variable] of trainedVariables(learner).entries()) {
    const { values } = state[i] as (typeof state)[number];
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}
