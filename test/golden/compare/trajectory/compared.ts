import type { EngineName } from "#pefd/compile/types.js";
import { type Check, ratioOf } from "../comparison.js";
import { EXACT_IMAGES } from "../inputs.js";
import type { Course } from "./course.js";
import { heldTo, type Reach, reachOf } from "./rounding.js";
import { openTrajectory, type Trajectory, type TrajectoryRun } from "./run.js";

/** XLA adds one number after the other on a processor: its sums are off by about so many roundings. */
const XLA_ROUNDINGS = 10;

/** Runs besides the first one, and by how many roundings the images of each are off. A run of XLA takes longer. */
const RERUNS: Readonly<Record<EngineName, { readonly times: number; readonly size: number }>> = {
  eager: { times: 24, size: 1 },
  graph: { times: 24, size: 1 },
  xla: { times: 8, size: XLA_ROUNDINGS },
};

/** Eager runs that tell how far roundings take a trajectory. */
const SAMPLES = 12;

type Compare = (run: TrajectoryRun, trajectory: Trajectory) => readonly Check[];

/**
 * Compares a trajectory with the reference. An activation that lies within rounding of zero is on one side of it or the
 * other, and what it moves jumps: where a number is out of bounds, the trajectory is run again with images that are off by
 * rounding (of XLA, whose sums are less exact, by ten), and one run has to be within all bounds. Where none of XLA's is,
 * one has to be within twice what the eager engine is off by with images off by as much.
 * @returns the checks of the first run that is within bounds, or of the one with the fewest numbers out of bounds
 * @throws inputError for a model that the registry does not have, or a method that does not fit the pair
 */
export function compared(course: Course, engine: EngineName, compare: Compare): readonly Check[] {
  const runs = withTrajectory(course, engine, (trajectory) => runsOf(trajectory, compare, engine));
  if (engine !== "xla" || runs.some(isWithin)) return best(runs);
  const reach = withTrajectory(course, "eager", (trajectory) => reachOfRounding(trajectory, compare));
  return best(runs.map((checks) => checks.map((check) => heldTo(reach, check))));
}

function withTrajectory<T>(course: Course, engine: EngineName, use: (trajectory: Trajectory) => T): T {
  const trajectory = openTrajectory(course, engine);
  try {
    return use(trajectory);
  } finally {
    trajectory.dispose();
  }
}

/** Of runs' checks those of the first run with the fewest out of bounds: what a jump alone moves is not told as an error. */
const best = (runs: readonly (readonly Check[])[]): readonly Check[] => {
  const fewest = Math.min(...runs.map(outOfBounds));
  return runs.find((checks) => outOfBounds(checks) === fewest) ?? [];
};

/** The checks of one run after the other, up to the first that is within bounds. */
function runsOf(trajectory: Trajectory, compare: Compare, engine: EngineName): readonly (readonly Check[])[] {
  const { times, size } = RERUNS[engine];
  const runs = [compare(trajectory.run(EXACT_IMAGES), trajectory)];
  for (let rerun = 1; rerun <= times && !runs.some(isWithin); rerun++) {
    const checks = compare(trajectory.run({ set: rerun, size }), trajectory);
    runs.push(checks.map((check) => ({ ...check, rerun })));
  }
  return runs;
}

/**
 * How far off each number is where images are off by what XLA's sums are. Nothing where the engine itself is nowhere within
 * bounds: then it is not rounding that is told apart.
 */
function reachOfRounding(trajectory: Trajectory, compare: Compare): Reach {
  if (!runsOf(trajectory, compare, "eager").some(isWithin)) return reachOf([]);
  const sets = Array.from({ length: SAMPLES }, (_, i) => ({ set: i + 1, size: XLA_ROUNDINGS }));
  return reachOf(sets.map((off) => compare(trajectory.run(off), trajectory)));
}

const outOfBounds = (checks: readonly Check[]): number => checks.filter((check) => !(ratioOf(check) <= 1)).length;

const isWithin = (checks: readonly Check[]): boolean => outOfBounds(checks) === 0;
