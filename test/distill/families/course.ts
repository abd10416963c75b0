import type { EngineName } from "#pefd/compile/types.js";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/records.js";
import { epochPlan } from "#pefd/data/sampler.js";
import { procedureNamed } from "#pefd/distill/registry.js";
import { restVelocities, trainedVariables } from "#pefd/learn/learner.js";
import { frozen, studentLearner } from "#pefd/learn/learners.js";
import { addedBy } from "#pefd/learn/methodSurvey.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { tf } from "#pefd/runtime/tf.js";
import { stagesOf } from "#pefd/train/stage.js";
import { noiseImages, openLesson, type Pupil } from "../../compile/scenes.js";

const CLASSES = 100;
const BATCH = 8;
/** Of each epoch. */
const STEPS = 2;
/** Some losses grow without end on untrained weights at the rate of a training. */
const LEARNING_RATE = 0.002;
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

/** A case for a student. Every method fits a pair of one kind. */
export function caseFor(published: string, student: string): Case {
  const { method, set } = procedureNamed(published);
  const isRefused = (teacher: string) =>
    typeof addedBy(method, { ...TOLD, ...set }, { teacher, student }) === "string";
  return { published, student, teacher: isRefused(SMALL_TEACHER) ? student : SMALL_TEACHER };
}

/** A new student with its teacher, always with the same first values. */
export function pupilOf({ published, teacher, student }: Case): Pupil {
  const { method, set } = procedureNamed(published);
  const made = buildModel(teacher, CLASSES, initialFill(teacher, 6, "teacher"));
  const { model, variables } = frozen(made, method.teacherMode);
  const setting = {
    ...{ ...TOLD, ...set, gamma: 1, alpha: 0.5, beta: 2 },
    ...{ model_s: student, distill: method.name, batch_size: BATCH },
  };
  return {
    learner: studentLearner(model, setting, CLASSES, 5, LABELS),
    constants: variables,
  };
}

const plans = (epoch: number): Int32Array =>
  epochPlan(10, epoch, TRAIN.count, CIFAR100_FORMAT.augmentation);

/** Trains some of the two epochs, each part of the training in a program of its own. @returns the loss of every step */
export function trainEpochs(pupil: Pupil, engine: EngineName, epochs: readonly number[]): number[] {
  return stagesOf(pupil.learner).flatMap(({ learner, first, end, rests }) => {
    const own = epochs.filter((epoch) => first <= epoch && epoch < end);
    if (own.length === 0) return [];
    if (rests && own[0] === first) restVelocities(pupil.learner);
    const lesson = { engine, train: TRAIN, batchSize: BATCH };
    const session = openLesson({ learner, constants: pupil.constants }, lesson);
    const losses = own.flatMap((epoch) => {
      const plan = plans(epoch);
      const rows = plan.length / STEPS;
      return Array.from({ length: STEPS }, (_, step) => {
        session.restart([]);
        const place = { learningRate: LEARNING_RATE, epoch, step: step + 1 };
        session.train(plan.subarray(step * rows, (step + 1) * rows), place);
        return session.metrics().loss;
      });
    });
    session.pull();
    session.dispose();
    return losses;
  });
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
