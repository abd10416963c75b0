import type { Entry, FeedValues, ProgramDescription } from "#pefd/compile/types.js";
import type { Draws } from "#pefd/distill/method.js";
import { type Learner, trainingUpdates, variablesOf } from "#pefd/learn/learner.js";
import type { Batch } from "#pefd/learn/objective.js";
import { type Tensor2D, type Tensor4D, tf, type Update, type Variable } from "#pefd/runtime/tf.js";
import type { Feed } from "../execute.js";
import { EXACT_IMAGES, imagesFeed } from "../inputs.js";
import { drawnNames, drawnOf, randomInputsOf } from "../method/drawn.js";
import type { Course } from "./course.js";
import type { Scene } from "./scene.js";

/** More than one, so that the engine of many steps per call compiles its loop; one is taken at a time. */
const STEPS_PER_CALL = 2;

/**
 * The one batch of a trajectory, with what the method draws for its first step.
 * @param roundings what the images are off by
 */
export function batchFeeds(
  course: Course,
  draws: Draws | undefined,
  roundings = EXACT_IMAGES,
): Readonly<Record<string, Feed>> {
  const { input, strong, images, epoch } = course;
  const { labels } = input;
  const places = images ?? labels.map((_, i) => i);
  const integers = (values: readonly number[]): Feed => ({
    values: Int32Array.from(values),
    shape: [values.length],
    dtype: "int32",
  });
  return {
    images: imagesFeed(input, roundings),
    ...(strong && { strong: imagesFeed(strong, roundings) }),
    labels: integers(labels),
    image: integers(places),
    epoch: { values: Float32Array.of(epoch), shape: [], dtype: "float32" },
    ...drawnNames(randomInputsOf(draws, labels.length, 0)),
  };
}

/** The values of feeds. */
const valuesOf = (feeds: Readonly<Record<string, Feed>>): FeedValues =>
  Object.fromEntries(Object.entries(feeds).map(([name, { values }]) => [name, values]));

/** The values of those feeds in a step. @param step from 0 */
export const stepValues = (
  feeds: Readonly<Record<string, Feed>>,
  draws: Draws | undefined,
  { step, epoch }: { readonly step: number; readonly epoch: number },
): FeedValues => ({
  ...valuesOf(feeds),
  ...valuesOf(drawnNames(randomInputsOf(draws, feeds.labels?.shape[0] ?? 0, step))),
  epoch: Float32Array.of(epoch),
});

/** The name of a phase's entry. */
export const phaseEntry = (phase: number): string => `phase${phase}`;

/** The steps of a trajectory, all fed with the same batch. @param rates learning rates of the phases */
export function describeTrajectory(
  { method, sgd, ahead = 1 }: Course,
  scene: Scene,
  feeds: Readonly<Record<string, Feed>>,
  rates: readonly number[],
): ProgramDescription {
  const { learner, phases, teacherVariables, seen } = scene;
  const training = (one: Learner, rate: number) =>
    trainingEntry(one, feeds, ahead, (batch) => trainingUpdates(one, batch, tf.scalar(rate), sgd));
  const all = [...phases, learner];
  return {
    name: `trajectory_${method.name}`,
    entries: {
      ...Object.fromEntries(phases.map((phase, i) => [phaseEntry(i), training(phase, rates[i] ?? sgd.lr)])),
      train: training(learner, sgd.lr),
      evaluate: {
        step: (given) => evaluation(scene, given as unknown as Batch),
        perStep: {},
        shared: feeds,
        stepsPerCall: STEPS_PER_CALL,
      },
    },
    variables: {
      learner: [...variablesOf([...learner.model.state, ...scene.method.state]), ...learner.momentumBuffers],
      teacher: teacherVariables,
      seen: [...Object.values(seen), ...all.flatMap(({ metrics }) => Object.values(metrics) as Variable[])],
    },
    precision: "float32",
    staticTripCount: true,
  };
}

/** A step of training; its teacher looks at the images of so many steps at once. */
function trainingEntry(
  { objective: { guidance } }: Learner,
  feeds: Readonly<Record<string, Feed>>,
  ahead: number,
  step: (batch: Batch) => readonly Update[],
): Entry {
  const { epoch, ...perStep } = feeds;
  const isAhead = ahead > 1 && guidance !== undefined;
  return {
    step(given) {
      const views = Object.fromEntries(Object.entries(given).filter(([name]) => !(name in feeds)));
      const batch = { ...given, drawn: drawnOf(given) } as unknown as Batch;
      return step(isAhead && Object.keys(views).length > 0 ? { ...batch, guide: guidance.guideOf(views) } : batch);
    },
    perStep,
    shared: { ...(epoch && { epoch }) },
    stepsPerCall: STEPS_PER_CALL,
    ...(isAhead && {
      ahead: {
        steps: ahead,
        takes: ["images"],
        compute: ({ images }) => guidance.compute(images as Tensor4D),
      },
    }),
  };
}

function evaluation({ learner, teacher, seen, method }: Scene, { images: first, strong }: Batch): Update[] {
  const images = method.classView ? (tf.concat([first, strong as Tensor4D]) as Tensor4D) : first;
  const context = { training: false, updates: [] };
  const output = teacher.forward(images, context);
  const guide = output.members?.[0] ?? output;
  const { logits } = learner.model.forward(images, context);
  return [
    [seen.student, logits],
    [seen.evaluated, learner.evaluated?.forward(images, context).logits ?? logits],
    [seen.teacher, guide.logits as Tensor2D],
    [seen.pooled, guide.pooled as Tensor2D],
  ];
}
