import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { runError } from "../../../common/errors.js";
import { removeStaleTemporaryFiles, writeFileAtomic } from "../../../common/files/atomicFile.js";
import { readInputText } from "../../../common/files/inputFile.js";
import { makeFolder } from "../../../common/files/makeFolder.js";
import { cleanLine } from "../../../common/text/cleanText.js";
import { grouped } from "../../../common/text/grouped.js";
import type { Metric, RunStatus, TrackedRun, TrackingPlace } from "../place.js";
import { experimentFolder, experimentFolders, META, readMeta } from "./experiments.js";
import { metaYaml, withEntries } from "./metaYaml.js";
import { MLFLOW_TAGS, mlflowParams } from "./params.js";

/** MLflow's numbers of how a run stands (RunStatus in its service.proto). */
const STATUS: Readonly<Record<RunStatus, number>> = {
  ...{ RUNNING: 1, FINISHED: 3, FAILED: 4, KILLED: 5 },
};

/** A run on this machine (SourceType in MLflow's entities). */
const LOCAL = 4;

/** A line of about 40 bytes an epoch. */
const MAX_BYTES = 2 ** 26;

/** Names are files' names here, so that none leads elsewhere. */
const fileName = (key: string): string => key.replace(/[/\\]|^\.+/g, "_");

async function writeRun(folder: string, runId: string, { name, settings }: TrackedRun) {
  for (const part of ["metrics", "params", "artifacts", "tags"]) makeFolder(join(folder, part));
  const shown = cleanLine(name);
  const tags = [...MLFLOW_TAGS, { key: "mlflow.runName", value: shown }];
  for (const [part, entries] of [
    ["params", mlflowParams(settings)],
    ["tags", tags],
  ] as const) {
    for (const { key, value } of entries) {
      await writeFileAtomic(join(folder, part, fileName(key)), value, folder);
    }
  }
  const meta = {
    artifact_uri: pathToFileURL(join(folder, "artifacts")).href,
    ...{ deleted_time: null, end_time: null, entry_point_name: "" },
    experiment_id: basename(join(folder, "..")),
    ...{ lifecycle_stage: "active", run_id: runId, run_name: shown },
    ...{ source_name: "", source_type: LOCAL, source_version: "", start_time: Date.now() },
    ...{ status: STATUS.RUNNING, tags: [] as const, user_id: "unknown" },
  };
  // Last: MLflow takes a folder without it for no run, so a run is there whole or not at all.
  await writeFileAtomic(join(folder, META), metaYaml(meta));
}

/** The lines of a metric that stay when those of a step and all later ones come. */
function linesBefore(path: string, step: number): string {
  if (!existsSync(path)) return "";
  const lines = readInputText(path, { maxBytes: MAX_BYTES }).split("\n").slice(0, -1);
  const kept = lines.filter((line) => Number(line.split(" ")[2]) < step);
  return kept.map((line) => `${line}\n`).join("");
}

/** Adds values to a metric's file. One that a killed run has written already is replaced, not doubled. */
async function addValues(folder: string, key: string, values: readonly Metric[]): Promise<void> {
  const path = join(folder, "metrics", fileName(key));
  const before = linesBefore(path, Math.min(...values.map(({ step }) => step)));
  const lines = values.map(({ timestamp, value, step }) => `${timestamp} ${value} ${step}\n`);
  // The temporary file lies beside the folder: MLflow takes every file inside it for a metric.
  await writeFileAtomic(path, `${before}${lines.join("")}`, folder);
}

/**
 * MLflow's file store in a folder, which is made where it is missing: `EXPERIMENT/RUN/meta.yaml`, and files of params,
 * tags and metrics (a line "timestamp value step" for each step). Every file is replaced as a whole.
 */
export function mlflowFiles(dir: string): TrackingPlace {
  const store = resolve(dir);
  const folderOf = (runId: string): string => {
    const folder = experimentFolders(store)
      .map((experiment) => join(experiment, runId))
      .find((run) => existsSync(join(run, META)));
    if (folder !== undefined) return folder;
    throw runError(`${store} has no run ${runId} any more.`);
  };
  return {
    address: `mlflow:${store}`,
    stateFile: "mlflow.json",
    async createRun(run) {
      const runId = randomUUID().replaceAll("-", "");
      const experiment = await experimentFolder(store, cleanLine(run.experiment));
      await writeRun(join(experiment, runId), runId, run);
      return runId;
    },
    async logMetrics(runId, metrics) {
      const folder = folderOf(runId);
      for (const [key, values] of grouped(metrics, (metric) => metric.key)) {
        await addValues(folder, key, values);
      }
    },
    async setStatus(runId, status, time) {
      const folder = folderOf(runId);
      await removeStaleTemporaryFiles(folder);
      const entries = { status: STATUS[status], end_time: status === "RUNNING" ? null : time };
      await writeFileAtomic(join(folder, META), withEntries(readMeta(folder), entries));
    },
  };
}
