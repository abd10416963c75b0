import type { EngineName, FeedValues, Program } from "#pefd/compile/types.js";
import { type Learner, resetMomentum } from "#pefd/learn/learner.js";
import { readMetrics, readTerms, setMetrics } from "#pefd/learn/metrics.js";
import { toPyTorchLayout } from "#pefd/nn/builder.js";
import type { StateEntry } from "#pefd/nn/model.js";
import { tf, type Variable } from "#pefd/runtime/tf.js";
import { openProgram } from "../engines.js";
import type { Roundings } from "../inputs.js";
import type { HostTensor } from "../summary.js";
import type { Course } from "./course.js";
import { batchFeeds, describeTrajectory, phaseEntry, stepValues } from "./program.js";
import { createScene, type Scene } from "./scene.js";

/** The terms of a step before its update, unweighted, by name; `loss` is what training itself minimises. */
export type StepTerms = Readonly<Record<string, number>>;

/** Tensors by name, in PyTorch's layout. The teacher's names begin with "teacher.". */
export type Snapshot = ReadonlyMap<string, HostTensor>;

/** What a trajectory leaves behind. */
export interface TrajectoryRun {
  /** What the method adds. */
  readonly own: readonly StateEntry[];
  readonly phases: readonly (readonly StepTerms[])[];
  readonly steps: readonly StepTerms[];
  readonly start: Snapshot;
  /** After the phases. */
  readonly between: Snapshot;
  readonly end: Snapshot;
  /** In evaluation mode at the end; `evaluated` is what counts in evaluations. [N, classes], and [N, size]. */
  readonly outputs: Readonly<Record<keyof Scene["seen"], Float32Array>>;
}

const read = (variable: Variable): Float32Array => variable.dataSync() as Float32Array;

/** A trajectory that can be run from its start any number of times. */
export interface Trajectory {
  readonly learner: Learner;
  /** @param roundings what the batch's images are off by */
  run(roundings: Roundings): TrajectoryRun;
  dispose(): void;
}

/**
 * Opens a trajectory: the steps of the method's phases, those of the main part, and an evaluation.
 * @throws inputError for a model that the registry does not have, or a method that does not fit the pair
 */
export function openTrajectory(course: Course, engine: EngineName): Trajectory {
  const scene = createScene(course);
  const { learner, method } = scene;
  const feeds = batchFeeds(course, method.draws);
  const rates = (method.phases ?? []).map(({ learningRate }) => learningRate ?? course.sgd.lr);
  const description = describeTrajectory(course, scene, feeds, rates);
  const program = openProgram(engine, description);
  const variables = Object.values(description.variables).flat();
  const first = variables.map((variable) => read(variable).slice());
  const rewind = () => {
    for (const [i, variable] of variables.entries()) setValues(variable, first[i] as Float32Array);
    for (const group of Object.keys(description.variables)) program.push(group);
  };
  return {
    learner,
    run(roundings) {
      rewind();
      return runOnce(course, scene, program, batchFeeds(course, method.draws, roundings));
    },
    dispose() {
      program.dispose();
      for (const variable of variables) variable.dispose();
    },
  };
}

const setValues = (variable: Variable, values: Float32Array): void =>
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));

function runOnce(course: Course, scene: Scene, program: Program, feeds: ReturnType<typeof batchFeeds>): TrajectoryRun {
  const { learner, phases, method, seen } = scene;
  const look = (): Snapshot => {
    for (const group of ["learner", "teacher"]) program.pull(group);
    return snapshot(scene);
  };
  let [epoch, step] = [course.epoch, 0];
  const values = () => stepValues(feeds, method.draws, { epoch, step });
  const take = (entry: string, one: Learner, steps: number): StepTerms[] =>
    Array.from({ length: steps }, () => {
      const terms = takeStep(program, entry, one, values());
      step += 1;
      return terms;
    });
  const start = snapshot(scene);
  const ofPhases = course.phaseSteps.map((steps, i) => {
    const phase = phases[i];
    if (phase === undefined) return [];
    const terms = take(phaseEntry(i), phase, steps);
    if (method.phases?.[i]?.continues) {
      epoch += 1;
      return terms;
    }
    program.pull("learner");
    resetMomentum(learner);
    program.push("learner");
    return terms;
  });
  const between = ofPhases.length === 0 ? start : look();
  const steps = take("train", learner, course.steps);
  program.run("evaluate", values(), 1);
  program.pull("seen");
  const { student, teacher, pooled, evaluated } = seen;
  return {
    own: scene.method.state,
    phases: ofPhases,
    steps,
    start,
    between,
    end: look(),
    outputs: {
      student: read(student),
      teacher: read(teacher),
      pooled: read(pooled),
      evaluated: read(evaluated),
    },
  };
}

/** The terms of one step, which is then taken. */
function takeStep(program: Program, entry: string, { metrics, objective }: Learner, values: FeedValues): StepTerms {
  setMetrics(metrics, []);
  program.push("seen");
  program.run(entry, values, 1);
  program.pull("seen");
  return { ...readTerms(metrics, objective.termNames), loss: readMetrics(metrics).loss };
}

function snapshot({ learner, method, teacher }: Scene): Snapshot {
  const tensors = (state: readonly StateEntry[], prefix = "") =>
    state.flatMap(({ name, role, shape, variable }): [string, HostTensor][] =>
      variable === undefined ? [] : [[prefix + name, { shape, values: toPyTorchLayout(role, read(variable), shape) }]],
    );
  return new Map([...tensors(learner.model.state), ...tensors(method.state), ...tensors(teacher.state, "teacher.")]);
}
