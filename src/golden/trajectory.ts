import type { EngineName, FeedValues, ProgramDescription } from "../compile/types.js";
import { crossEntropy, distillKL } from "../distill/losses.js";
import { methodRow } from "../distill/registry.js";
import type { Distillation } from "../distill/types.js";
import { buildModel } from "../models/build.js";
import { isParameter } from "../nn/builder.js";
import type { Model, StateEntry } from "../nn/model.js";
import {
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tf,
  type Update,
  type Variable,
} from "../runtime/tf.js";
import { gradientsOf } from "../train/gradients.js";
import { createVelocities, sgdUpdates } from "../train/sgd.js";
import { openProgram } from "./engines.js";
import type { Feed } from "./execute.js";
import { formulaFill, PROJECTOR_KEY } from "./formula.js";
import { imagesFeed, oneHotFeed } from "./inputs.js";
import type { TrajectoryGolden } from "./schema.js";

/** The loss terms in the order in which a step writes them down. */
export const LOSS_TERMS = ["ce", "div", "kd", "total"] as const;

/** Everything that takes part in a trajectory. */
interface Scene {
  readonly student: Model;
  readonly teacher: Model;
  readonly distillation: Distillation;
  readonly parameters: readonly Variable[];
  readonly velocities: readonly Variable[];
  /** What steps write for us to read. */
  readonly seen: {
    readonly terms: Variable;
    readonly studentLogits: Variable;
    readonly teacherLogits: Variable;
    readonly teacherFeatures: Variable;
  };
}

/** What a trajectory leaves behind. */
export interface TrajectoryRun {
  /** Loss terms before each update, in the order of LOSS_TERMS. */
  readonly terms: readonly Float32Array[];
  /** Student and projectors as they are at the end. */
  readonly state: readonly StateEntry[];
  /** Their values at the start, in our layout, by name. */
  readonly start: ReadonlyMap<string, Float32Array>;
  /** Student's logits in evaluation mode at the end; teacher's outputs. [N, size] */
  readonly studentLogits: Float32Array;
  readonly teacherLogits: Float32Array;
  readonly teacherFeatures: Float32Array;
  dispose(): void;
}

const variablesOf = (state: readonly StateEntry[]): Variable[] =>
  state.flatMap(({ variable }) => (variable === undefined ? [] : [variable]));

function createScene(golden: TrajectoryGolden): Scene {
  const { numClasses, projectors, kdT, input } = golden;
  const student = buildModel(golden.student, numClasses, formulaFill());
  const teacher = buildModel(golden.teacher, numClasses, formulaFill());
  const distillation = methodRow(golden.method).build({
    studentFeatureSize: student.featureSize,
    teacherFeatureSize: teacher.featureSize,
    numClasses,
    numProjectors: projectors,
    temperature: kdT,
    fill: formulaFill(PROJECTOR_KEY),
  });
  const learned = [...student.state, ...distillation.state].filter(({ role }) => isParameter(role));
  const parameters = variablesOf(learned);
  const batch = input.labels.length;
  const zeros = (shape: number[]) => tf.tidy(() => tf.variable(tf.zeros(shape), false));
  const seen = {
    terms: zeros([LOSS_TERMS.length]),
    studentLogits: zeros([batch, numClasses]),
    teacherLogits: zeros([batch, numClasses]),
    teacherFeatures: zeros([batch, teacher.featureSize]),
  };
  const velocities = createVelocities(parameters);
  return { student, teacher, distillation, parameters, velocities, seen };
}

/** One step of the paper's distillation, all four terms written down whatever their weights. */
function trainingStep(golden: TrajectoryGolden, scene: Scene, images: Tensor4D, oneHot: Tensor2D) {
  const { student, teacher, distillation, parameters, velocities, seen } = scene;
  const { gamma, alpha, beta, kdT, sgd } = golden;
  const guide = teacher.forward(images, { training: false, updates: [] });
  const { loss, gradients, kept } = gradientsOf(() => {
    const updates: Update[] = [];
    const output = student.forward(images, { training: true, updates });
    const ce = crossEntropy(output.logits, oneHot);
    const div = distillKL(output.logits, guide.logits, kdT);
    const kd = distillation.loss(output, guide);
    const sum = tf.add(tf.mul(ce, gamma), tf.add(tf.mul(div, alpha), tf.mul(kd, beta)));
    const terms: Scalar[] = [ce, div, kd];
    const tensors = [...terms, ...updates.map(([, value]) => value)];
    return { loss: sum as Scalar, kept: { terms, updates }, tensors };
  }, parameters);
  const rate = tf.scalar(sgd.lr);
  const updates: Update[] = [
    ...sgdUpdates(parameters, velocities, gradients, rate, sgd),
    ...kept.updates,
    [seen.terms, tf.stack([...kept.terms, loss])],
  ];
  return updates;
}

function evaluationStep({ student, teacher, seen }: Scene, images: Tensor4D): Update[] {
  const context = { training: false, updates: [] };
  const guide = teacher.forward(images, context);
  return [
    [seen.studentLogits, student.forward(images, context).logits],
    [seen.teacherLogits, guide.logits],
    [seen.teacherFeatures, guide.features.at(-1) as Tensor],
  ];
}

function describeProgram(
  golden: TrajectoryGolden,
  scene: Scene,
  feeds: Readonly<Record<string, Feed>>,
): ProgramDescription {
  const { student, teacher, distillation, velocities, seen } = scene;
  const common = { perStep: {}, shared: feeds, stepsPerCall: 1 };
  return {
    name: `trajectory_${golden.method}`,
    entries: {
      train: {
        ...common,
        step: ({ images, oneHot }) =>
          trainingStep(golden, scene, images as Tensor4D, oneHot as Tensor2D),
      },
      evaluate: { ...common, step: ({ images }) => evaluationStep(scene, images as Tensor4D) },
    },
    variables: {
      learner: [...variablesOf([...student.state, ...distillation.state]), ...velocities],
      teacher: variablesOf(teacher.state),
      seen: Object.values(seen),
    },
    precision: "float32",
  };
}

const read = (variable: Variable): Float32Array => variable.dataSync() as Float32Array;

/**
 * Runs a trajectory: the given number of steps on one batch, then an evaluation of student and teacher.
 * @throws inputError for a model or method that the registries do not have
 */
export function runTrajectory(golden: TrajectoryGolden, engine: EngineName): TrajectoryRun {
  const feeds = {
    images: imagesFeed(golden.input),
    oneHot: oneHotFeed(golden.input.labels, golden.numClasses),
  };
  const scene = createScene(golden);
  const program = openProgram(engine, describeProgram(golden, scene, feeds));
  const values: FeedValues = { images: feeds.images.values, oneHot: feeds.oneHot.values };
  for (const group of ["learner", "teacher", "seen"]) program.push(group);
  const state = [...scene.student.state, ...scene.distillation.state];
  const start = new Map(
    state.flatMap(({ name, variable }) => (variable === undefined ? [] : [[name, read(variable)]])),
  );
  const terms = Array.from({ length: golden.steps }, () => {
    program.run("train", values, 1);
    program.pull("seen");
    return read(scene.seen.terms);
  });
  program.run("evaluate", values, 1);
  for (const group of ["learner", "seen"]) program.pull(group);
  const { teacher, velocities, seen } = scene;
  return {
    terms,
    state,
    start,
    studentLogits: read(seen.studentLogits),
    teacherLogits: read(seen.teacherLogits),
    teacherFeatures: read(seen.teacherFeatures),
    dispose: () => {
      program.dispose();
      const variables = [...variablesOf([...state, ...teacher.state]), ...velocities];
      for (const variable of [...variables, ...Object.values(seen)]) variable.dispose();
    },
  };
}
