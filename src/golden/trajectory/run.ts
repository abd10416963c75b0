import type { EngineName, Program } from "../../compile/types.js";
import { type Learner, restVelocities } from "../../learn/learner.js";
import { readMetrics, readTerms, setMetrics } from "../../learn/metrics.js";
import { toPyTorchLayout } from "../../nn/builder.js";
import type { StateEntry } from "../../nn/model.js";
import type { Variable } from "../../runtime/tf.js";
import { openProgram } from "../engines.js";
import type { HostTensor } from "../summary.js";
import type { Course } from "./course.js";
import { batchFeeds, describeTrajectory, phaseEntry, valuesOf } from "./program.js";
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
  /** Parameters that have learned in the main part. */
  readonly learned: number;
}

const read = (variable: Variable): Float32Array => variable.dataSync() as Float32Array;

/**
 * Runs a trajectory: the steps of the method's phases, those of the main part, and an evaluation.
 * @throws inputError for a model that the registry does not have, or a method that does not fit the pair
 */
export function runTrajectory(course: Course, engine: EngineName): TrajectoryRun {
  const scene = createScene(course);
  const feeds = batchFeeds(course);
  const { learner, phases, method, seen } = scene;
  const rates = (method.phases ?? []).map(({ learningRate }) => learningRate ?? course.sgd.lr);
  const description = describeTrajectory(course, scene, feeds, rates);
  const program = openProgram(engine, description);
  const values = valuesOf(feeds);
  for (const group of Object.keys(description.variables)) program.push(group);
  const look = (): Snapshot => {
    for (const group of ["learner", "teacher"]) program.pull(group);
    return snapshot(scene);
  };
  const take = (entry: string, one: Learner, steps: number): StepTerms[] =>
    Array.from({ length: steps }, () => takeStep(program, entry, one, values));
  try {
    const start = snapshot(scene);
    const ofPhases = phases.map((phase, i) => {
      const terms = take(phaseEntry(i), phase, course.phaseSteps[i] as number);
      program.pull("learner");
      restVelocities(learner);
      program.push("learner");
      return terms;
    });
    const between = ofPhases.length === 0 ? start : look();
    const steps = take("train", learner, course.steps);
    program.run("evaluate", values, 1);
    program.pull("seen");
    const end = look();
    const { student, teacher, pooled, evaluated } = seen;
    return {
      ...{ own: method.state, phases: ofPhases, steps, start, between, end },
      outputs: {
        ...{ student: read(student), teacher: read(teacher) },
        ...{ pooled: read(pooled), evaluated: read(evaluated) },
      },
      learned: learner.parameters.length,
    };
  } finally {
    program.dispose();
    for (const variable of Object.values(description.variables).flat()) variable.dispose();
  }
}

/** The terms of one step, which is then taken. */
function takeStep(
  program: Program,
  entry: string,
  { metrics, objective }: Learner,
  values: Parameters<Program["run"]>[1],
): StepTerms {
  setMetrics(metrics, []);
  program.push("seen");
  program.run(entry, values, 1);
  program.pull("seen");
  return { ...readTerms(metrics, objective.termNames), loss: readMetrics(metrics).loss };
}

function snapshot({ learner, method, teacher }: Scene): Snapshot {
  const tensors = (state: readonly StateEntry[], prefix = "") =>
    state.flatMap(({ name, role, shape, variable }): [string, HostTensor][] =>
      variable === undefined
        ? []
        : [[prefix + name, { shape, values: toPyTorchLayout(role, read(variable), shape) }]],
    );
  return new Map([
    ...tensors(learner.model.state),
    ...tensors(method.state),
    ...tensors(teacher.state, "teacher."),
  ]);
}
