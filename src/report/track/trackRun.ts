import { basename } from "node:path";
import { readConfig } from "../../runFiles/config.js";
import { readTracked, type Tracked, writeTracked } from "../../runFiles/tracked.js";
import type { EpochRow } from "../log/contract.js";
import { readEpochLog } from "../log/epochLog.js";
import { flatten } from "../runs/flatten.js";
import type { Metric, MlflowServer, MlflowStatus } from "./mlflow.js";

/** What is sent of an epoch, by the names of epochs.csv. */
const VALUES: Readonly<Record<string, (row: EpochRow) => number>> = {
  learning_rate: (row) => row.learningRate,
  train_loss: (row) => row.train.loss,
  train_top1: (row) => row.train.top1,
  train_top5: (row) => row.train.top5,
  test_loss: (row) => row.test.loss,
  test_top1: (row) => row.test.top1,
  test_top5: (row) => row.test.top5,
  seconds: (row) => row.seconds,
  step_ms: (row) => row.stepMs,
};

function metricsOf(row: EpochRow, timestamp: number): Metric[] {
  const terms = Object.entries(row.train.terms ?? {}).map(
    ([term, value]) => [`train_${term}`, value] as const,
  );
  const own = Object.entries(VALUES).map(([key, of]) => [key, of(row)] as const);
  return [...own, ...terms].map(([key, value]) => ({ key, value, timestamp, step: row.epoch }));
}

/** The experiment that a run belongs to: its pair or its model, so that methods and trials stand together. */
function experimentOf({
  kind,
  model_t,
  model_s,
  model,
}: Readonly<Record<string, unknown>>): string {
  return kind === "distill" ? `${model_t}-${model_s}` : `${model} alone`;
}

async function begin(runDir: string, server: MlflowServer): Promise<Tracked> {
  const found = readConfig(runDir);
  const config = found.state === "whole" ? found.content : {};
  const { checksum: _, ...settings } = config as Readonly<Record<string, unknown>>;
  const params = flatten(settings);
  const runId = await server.createRun(experimentOf(settings), basename(runDir), params);
  return { server: server.address, runId, epoch: 0 };
}

/** The run of a server that a folder tells of; a new one where it tells of none, or of another server's. */
async function trackedRun(runDir: string, server: MlflowServer, fresh: boolean): Promise<Tracked> {
  const found = readTracked(runDir);
  const known = found.state === "whole" && found.content.server === server.address;
  if (known && !fresh) return found.content;
  const tracked = await begin(runDir, server);
  await writeTracked(runDir, tracked);
  return tracked;
}

/**
 * Sends to a tracking server what it does not yet have of a run: its configuration, and the epochs of its log. What could
 * not be sent when it was new, because the server was away, goes with the next call.
 * @param status how the run stands
 * @param fresh whether the run begins anew, as another one than the folder may tell of
 * @throws runError where the server does not answer or refuses
 */
export async function trackRun(
  runDir: string,
  server: MlflowServer,
  status: MlflowStatus,
  fresh = false,
): Promise<void> {
  const tracked = await trackedRun(runDir, server, fresh);
  const now = Date.now();
  if (status === "RUNNING" && tracked.epoch === 0)
    await server.setStatus(tracked.runId, status, now);
  const rows = readEpochLog(runDir).filter(({ epoch }) => epoch > tracked.epoch);
  await server.logMetrics(
    tracked.runId,
    rows.flatMap((row) => metricsOf(row, now)),
  );
  const epoch = rows.at(-1)?.epoch ?? tracked.epoch;
  if (epoch !== tracked.epoch) await writeTracked(runDir, { ...tracked, epoch });
  if (status !== "RUNNING") await server.setStatus(tracked.runId, status, now);
}
