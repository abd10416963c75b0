import type { EngineName } from "../../compile/types.js";
import { type Check, ratioOf } from "../comparison.js";
import type { Course } from "./course.js";
import { openTrajectory, type Trajectory, type TrajectoryRun } from "./run.js";

/** Runs besides the first one, the images of each off by other roundings. */
const RERUNS = 24;

/**
 * Compares a trajectory with the reference. An activation that lies within rounding of zero is on one side of it or the
 * other, and what it moves jumps: where a number is out of bounds, the trajectory is run again with images that are off by
 * one rounding, and one run has to be within all bounds.
 * @returns the checks of the first run that is, or of the first of all
 * @throws inputError for a model that the registry does not have, or a method that does not fit the pair
 */
export function compared(
  course: Course,
  engine: EngineName,
  compare: (run: TrajectoryRun, trajectory: Trajectory) => readonly Check[],
): readonly Check[] {
  const trajectory = openTrajectory(course, engine);
  try {
    const first = compare(trajectory.run(0), trajectory);
    if (isWithin(first)) return first;
    for (let rerun = 1; rerun <= RERUNS; rerun++) {
      const checks = compare(trajectory.run(rerun), trajectory);
      if (isWithin(checks)) return checks.map((check) => ({ ...check, rerun }));
    }
    return first;
  } finally {
    trajectory.dispose();
  }
}

const isWithin = (checks: readonly Check[]): boolean =>
  checks.every((check) => ratioOf(check) <= 1);
