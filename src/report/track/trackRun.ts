import { basename } from "node:path";
import { readConfig } from "../../runFiles/config.js";
import { readTracked, type Tracked, writeTracked } from "../../runFiles/tracked.js";
import type { EpochRow } from "../log/contract.js";
import { epochValues, readEpochLog } from "../log/epochLog.js";
import type { Metric, RunStatus, TrackedRun, TrackingPlace } from "./place.js";

/** What is sent of an epoch: all that its log has, by the names of epochs.csv. */
const metricsOf = (row: EpochRow, timestamp: number): Metric[] =>
  epochValues(row)
    .filter(([key]) => key !== "epoch") // which is the step
    .map(([key, value]) => ({ key, value, timestamp, step: row.epoch }));

/** The experiment that a run belongs to: its pair or its model, so that methods and trials stand together. */
function experimentOf({
  kind,
  model_t,
  model_s,
  model,
}: Readonly<Record<string, unknown>>): string {
  return kind === "distill" ? `${model_t}-${model_s}` : `${model} alone`;
}

function runOf(runDir: string): TrackedRun {
  const found = readConfig(runDir);
  const config = found.state === "whole" ? found.content : {};
  const { checksum: _, ...settings } = config as Readonly<Record<string, unknown>>;
  return { experiment: experimentOf(settings), name: basename(runDir), settings };
}

/** The run that a folder tells of; a new one where it tells of none, or of one somewhere else. */
async function trackedRun(runDir: string, place: TrackingPlace, anew: boolean): Promise<Tracked> {
  const found = readTracked(runDir, place.stateFile);
  const known = found.state === "whole" && found.content.server === place.address;
  if (known && !anew) return found.content;
  const runId = await place.createRun(runOf(runDir));
  const tracked = { server: place.address, runId, epoch: 0 };
  await writeTracked(runDir, place.stateFile, tracked);
  return tracked;
}

/**
 * Tells a tracker what it does not yet have of a run: its configuration, and the epochs of its log. What could not be told
 * when it was new, because a server was away, goes with the next call.
 * @param status how the run stands
 * @param begins whether the run begins now: anew, as another one than the folder may tell of, or again, after a stop
 * @throws what the place throws
 */
export async function trackRun(
  runDir: string,
  place: TrackingPlace,
  status: RunStatus,
  begins?: "anew" | "again",
): Promise<void> {
  const tracked = await trackedRun(runDir, place, begins === "anew");
  const now = Date.now();
  if (status === "RUNNING" && begins) await place.setStatus(tracked.runId, status, now);
  const rows = readEpochLog(runDir).filter(({ epoch }) => epoch > tracked.epoch);
  const metrics = rows.flatMap((row) => metricsOf(row, now));
  if (metrics.length > 0) await place.logMetrics(tracked.runId, metrics);
  const epoch = rows.at(-1)?.epoch ?? tracked.epoch;
  if (epoch !== tracked.epoch) await writeTracked(runDir, place.stateFile, { ...tracked, epoch });
  if (status !== "RUNNING") await place.setStatus(tracked.runId, status, now);
}
