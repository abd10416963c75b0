import type { Entry, ProgramDescription } from "../compile/types.js";
import { crossEntropy, distillKL } from "../distill/losses.js";
import type { Moment } from "../distill/method.js";
import { type OpenedMethod, openMethod } from "../distill/open.js";
import { methodRow } from "../distill/registry.js";
import type { Batch } from "../learn/batch.js";
import { type Learner, trainingUpdates, variablesOf } from "../learn/learner.js";
import { anatomyOf, createLearner } from "../learn/learners.js";
import { distilling } from "../learn/objective.js";
import { oneHotLabels } from "../learn/oneHot.js";
import { buildModel } from "../models/build.js";
import type { Model } from "../nn/model.js";
import {
  type Scalar,
  type Tensor,
  type Tensor4D,
  tf,
  type Update,
  type Variable,
} from "../runtime/tf.js";
import type { Feed } from "./execute.js";
import { formulaFill, PROJECTOR_KEY } from "./formula.js";
import type { TrajectoryGolden } from "./schema.js";

/** More than one, so that the engine of many steps per call compiles its loop; one is taken at a time. */
const STEPS_PER_CALL = 2;

/** Everything that takes part in a trajectory: what training itself uses, filled by the formula. */
export interface Scene {
  readonly learner: Learner;
  readonly teacher: Model;
  readonly method: OpenedMethod;
  /** What is written down to be compared. */
  readonly seen: {
    /** [3]: cross entropy, KL, the method's term. */
    readonly terms: Variable;
    readonly studentLogits: Variable;
    readonly teacherLogits: Variable;
    readonly teacherFeatures: Variable;
  };
}

/**
 * Student, teacher, projectors and optimizer of a trajectory.
 * @throws inputError for a model or method that the registries do not have
 */
export function createScene(golden: TrajectoryGolden): Scene {
  const { numClasses, projectors, kdT, input } = golden;
  const student = buildModel(golden.student, numClasses, formulaFill());
  const teacher = buildModel(golden.teacher, numClasses, formulaFill());
  const pair = {
    ...{ student: anatomyOf(student), teacher: anatomyOf(teacher) },
    ...{ numClasses, labels: input.labels },
  };
  const told = { kd_T: kdT, num_proj: projectors };
  const method = openMethod(methodRow(golden.method), pair, told, formulaFill(PROJECTOR_KEY));
  const objective = distilling({
    ...{ teacher, teacherMaps: pair.teacher.maps.length },
    ...{ method, weights: golden, temperature: kdT },
  });
  const learner = createLearner(student, method.state, objective);
  const batch = input.labels.length;
  const zeros = (shape: number[]) => tf.tidy(() => tf.variable(tf.zeros(shape), false));
  const seen = {
    terms: zeros([3]),
    studentLogits: zeros([batch, numClasses]),
    teacherLogits: zeros([batch, numClasses]),
    teacherFeatures: zeros([batch, teacher.featureSize]),
  };
  return { learner, teacher, method, seen };
}

/** The loss terms one by one, whatever their weights; changes nothing that learns. */
function termsStep({ learner, teacher, method, seen }: Scene, batch: Batch, kdT: number) {
  const guide = teacher.forward(batch.images, { training: false, updates: [] });
  const output = learner.model.forward(batch.images, { training: true, updates: [] });
  const oneHot = oneHotLabels(batch.labels, learner.model.numClasses);
  const at = { ...batch, student: output, teacher: guide, oneHot } as unknown as Moment;
  const terms: Scalar[] = [
    crossEntropy(output.logits, oneHot),
    distillKL(output.logits, guide.logits, kdT),
    ...(Object.values(method.terms(at, { training: true, updates: [] })) as Scalar[]),
  ];
  const updates: Update[] = [[seen.terms, tf.stack(terms)]];
  return updates;
}

function evaluationStep({ learner, teacher, seen }: Scene, { images }: Batch): Update[] {
  const context = { training: false, updates: [] };
  const guide = teacher.forward(images, context);
  return [
    [seen.studentLogits, learner.model.forward(images, context).logits],
    [seen.teacherLogits, guide.logits],
    [seen.teacherFeatures, guide.pooled],
  ];
}

/** A step of training, as the learner takes it; its teacher looks at the images of so many steps at once. */
function trainingEntry(
  { learner }: Scene,
  { lr, ...sgd }: TrajectoryGolden["sgd"],
  feeds: Readonly<Record<"images" | "labels", Feed>>,
  ahead: number,
): Entry {
  const { guidance } = learner.objective;
  return {
    step: ({ images, labels, ...views }) => {
      const batch = { images, labels } as unknown as Batch;
      const isGuided = Object.keys(views).length > 0;
      const guided = isGuided && guidance ? { ...batch, guide: guidance.guideOf(views) } : batch;
      return trainingUpdates(learner, guided, tf.scalar(lr), sgd);
    },
    perStep: feeds,
    shared: {},
    stepsPerCall: STEPS_PER_CALL,
    ...(ahead > 1 &&
      guidance && {
        ahead: {
          steps: ahead,
          takes: ["images"],
          compute: ({ images }) => guidance.compute(images as Tensor4D),
        },
      }),
  };
}

/**
 * The steps of a trajectory, all fed with the same images and labels.
 * @param ahead for how many steps at once the teacher looks at images, in training: 1 or 2
 */
export function describeTrajectory(
  golden: TrajectoryGolden,
  scene: Scene,
  feeds: Readonly<Record<"images" | "labels", Feed>>,
  ahead: number,
): ProgramDescription {
  const { learner, teacher, seen } = scene;
  const entry = (step: (batch: Batch) => readonly Update[]) => ({
    step: (given: Readonly<Record<string, Tensor>>) => step(given as unknown as Batch),
    perStep: {},
    shared: feeds,
    stepsPerCall: STEPS_PER_CALL,
  });
  const { sgd, kdT } = golden;
  return {
    name: `trajectory_${golden.method}`,
    entries: {
      terms: entry((batch) => termsStep(scene, batch, kdT)),
      train: trainingEntry(scene, sgd, feeds, ahead),
      evaluate: entry((batch) => evaluationStep(scene, batch)),
    },
    variables: {
      learner: [...variablesOf([...learner.model.state, ...learner.extra]), ...learner.velocities],
      teacher: variablesOf(teacher.state),
      seen: [...Object.values(seen), ...(Object.values(learner.metrics) as Variable[])],
    },
    precision: "float32",
    knownRounds: true,
  };
}
