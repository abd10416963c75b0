import { silentReporter } from "#pefd/report/live/reporter.js";
import type { RunReporter } from "#pefd/report/log/contract.js";
import type { RunStatus, TrackingPlace } from "#pefd/report/track/tracker.js";
import { createTracker } from "#pefd/report/track/tracker.js";

export const infoOf = (runDir: string, firstEpoch: number) => ({
  title: "",
  runDir,
  epochs: 3,
  firstEpoch,
  steps: 1,
  engine: "eager",
  precision: "float32",
  device: "cpu",
});

export const best = { top1: 0, epoch: 1 };

/** Tracks what a run's log has, as a process that began with some epoch would, and gives what it warned of. */
export async function trackOnce(
  runDir: string,
  place: TrackingPlace,
  firstEpoch: number,
  status: Exclude<RunStatus, "RUNNING">,
): Promise<string[]> {
  const warnings: string[] = [];
  const told: RunReporter = { ...silentReporter, warn: (text) => warnings.push(text) };
  await place.prepare?.();
  const { reporter, finish } = createTracker(told, place);
  reporter.runStarted(infoOf(runDir, firstEpoch));
  await finish(status);
  return warnings;
}
