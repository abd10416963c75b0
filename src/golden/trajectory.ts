import type { EngineName, FeedValues, Program } from "../compile/types.js";
import { readMetrics, setMetrics } from "../learn/metrics.js";
import type { StateEntry } from "../nn/model.js";
import type { Variable } from "../runtime/tf.js";
import { openProgram } from "./engines.js";
import { imagesFeed } from "./inputs.js";
import type { TrajectoryGolden } from "./schema.js";
import { createScene, describeTrajectory, type Scene } from "./trajectoryScene.js";

/** The loss terms in the order in which they are compared. */
export const LOSS_TERMS = ["ce", "div", "kd", "total"] as const;

/** What a trajectory leaves behind. */
export interface TrajectoryRun {
  /** Loss terms before each update, in the order of LOSS_TERMS. */
  readonly terms: readonly (readonly number[])[];
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

const read = (variable: Variable): Float32Array => variable.dataSync() as Float32Array;

/** The terms of one step, which is then taken; the total is the one that training itself reports. */
function takeStep(program: Program, { learner, seen }: Scene, values: FeedValues): number[] {
  setMetrics(learner.metrics, []);
  program.push("seen");
  program.run("terms", values, 1);
  program.run("train", values, 1);
  program.pull("seen");
  return [...read(seen.terms), readMetrics(learner.metrics).loss];
}

/**
 * Runs a trajectory: the given number of steps on one batch, then an evaluation of student and teacher.
 * @param ahead for how many steps at once the teacher looks at images: 1 or 2
 * @throws inputError for a model or method that the registries do not have
 */
export function runTrajectory(
  golden: TrajectoryGolden,
  engine: EngineName,
  ahead: number,
): TrajectoryRun {
  const { input } = golden;
  const labels = Int32Array.from(input.labels);
  const feeds = {
    images: imagesFeed(input),
    labels: { values: labels, shape: [labels.length], dtype: "int32" },
  } as const;
  const scene = createScene(golden);
  const description = describeTrajectory(golden, scene, feeds, ahead);
  const program = openProgram(engine, description);
  const values = { images: feeds.images.values, labels };
  for (const group of Object.keys(description.variables)) program.push(group);
  const state = [...scene.learner.model.state, ...scene.learner.extra];
  const start = new Map(
    state.flatMap(({ name, variable }) => (variable === undefined ? [] : [[name, read(variable)]])),
  );
  const terms = Array.from({ length: golden.steps }, () => takeStep(program, scene, values));
  program.run("evaluate", values, 1);
  for (const group of ["learner", "seen"]) program.pull(group);
  return {
    terms,
    state,
    start,
    studentLogits: read(scene.seen.studentLogits),
    teacherLogits: read(scene.seen.teacherLogits),
    teacherFeatures: read(scene.seen.teacherFeatures),
    dispose: () => {
      program.dispose();
      for (const variable of Object.values(description.variables).flat()) variable.dispose();
    },
  };
}
