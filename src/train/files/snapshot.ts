import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { toFloat32 } from "../../checkpoint/float.js";
import { matchState } from "../../checkpoint/match.js";
import { readCheckpoint } from "../../checkpoint/readCheckpoint.js";
import { inputError, PefdError } from "../../common/errors.js";
import { float32Tensor, type StateDict, type StateTensor } from "../../common/stateDict.js";
import type { Learner } from "../../learn/learner.js";
import { lossScaleState } from "../../learn/lossScale.js";
import { isBuffer } from "../../nn/builder.js";
import { EPOCH_LOG, epochLogText, epochLogWith } from "../../report/log/epochLog.js";
import {
  damagedFile,
  firstComplaint,
  progressSchema,
  RESUME_FILE,
  type RunProgress,
} from "../../runFiles/stateFile.js";
import type { Variable } from "../../runtime/tf.js";
import { assignValues, loadState, stateDictOf } from "./stateFiles.js";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Of a run's epochs.csv. */
export const logSha256 = (runDir: string): string => sha256(epochLogText(runDir) ?? "");

/** Of a run's epochs.csv with a row added. */
export const logSha256With = (runDir: string, row: NonNullable<RunProgress["row"]>): string =>
  sha256(epochLogWith(epochLogText(runDir), row));

/** Whether epochs.csv still lacks the last epoch, as after a kill. */
export const lacksRow = (runDir: string, { row, logSha256: logged }: RunProgress): boolean =>
  row !== undefined && sha256(epochLogText(runDir) ?? "") !== logged;

/** @throws inputError where epochs.csv is neither as saved nor lacks only the last epoch; a missing one is fine */
export function checkLog(runDir: string, { row, logSha256: logged }: RunProgress): void {
  const text = epochLogText(runDir);
  if (text === undefined || row === undefined) return;
  if ([sha256(text), sha256(epochLogWith(text, row))].includes(logged ?? "")) return;
  throw damagedFile(
    join(runDir, EPOCH_LOG),
    "it is not as the run left it",
    "Move it away and type this again: the run goes on without the log of the epochs so far.",
  );
}

export type Kept = { readonly path: string; readonly progress: RunProgress; readonly state: StateDict };

const STATE_LOST =
  "What the run was to go on from is lost. Its weights can still be evaluated (`pefd eval --checkpoint`); --force starts " +
  "anew and keeps this run until the new one has kept an epoch.";

/** Reads and verifies resume.safetensors, if any. @throws inputError if damaged, or without checksum or progress */
export async function readKept(runDir: string): Promise<Kept | undefined> {
  const path = join(runDir, RESUME_FILE);
  if (!existsSync(path)) return undefined;
  const { state, metadata, isSealed } = await readWhole(path);
  if (!isSealed) throw damagedFile(path, "it has no checksum", STATE_LOST);
  const { success, data, error } = progressSchema.safeParse(metadata.progress);
  if (success) return { path, progress: data, state };
  throw damagedFile(path, `its progress ${firstComplaint(error.issues)}`, STATE_LOST);
}

async function readWhole(path: string) {
  try {
    return await readCheckpoint(path);
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    throw inputError(`${error.message} Nothing was changed.`, STATE_LOST);
  }
}

/** A learner's state as in files. */
export interface Snapshot {
  readonly model: StateDict;
  readonly extra: StateDict;
  /** Its weights, without training state such as memory banks. */
  readonly added: StateDict;
  /** Running statistics in training mode. */
  readonly teacher: StateDict;
  /** What predictions read besides the model. */
  readonly predictor: StateDict;
  /** By index; parameterNames has the names. */
  readonly momentumBuffers: StateDict;
  readonly parameterNames: readonly string[];
  /** In float16. */
  readonly lossScale: StateDict;
  /** Sums of gradients of an unfinished update, by index. */
  readonly accumulated: StateDict;
}

/** Reads a learner's variables. @param batches every num_batches_tracked */
export function takeSnapshot(learner: Learner, batches: number): Snapshot {
  const { model, extra, parameters, momentumBuffers, teacherStatistics = [], predictor = [] } = learner;
  const names = new Map([...model.state, ...extra].map(({ name, variable }) => [variable, name]));
  const dict = stateDictOf(extra, batches);
  const buffers = new Set(extra.filter(({ role }) => isBuffer(role)).map(({ name }) => name));
  return {
    model: stateDictOf(model.state, batches),
    extra: dict,
    added: new Map([...dict].filter(([name]) => !buffers.has(name))),
    teacher: stateDictOf(teacherStatistics, batches),
    predictor: stateDictOf(predictor, batches),
    momentumBuffers: byIndex(momentumBuffers),
    accumulated: byIndex(learner.recipe?.accumulated ?? []),
    lossScale: stateDictOf(lossScaleState(learner.lossScale), batches),
    parameterNames: momentumBuffers.map((_, i) => names.get(parameters[i % parameters.length] as Variable) as string),
  };
}

const byIndex = (variables: readonly Variable[]): StateDict =>
  new Map(
    variables.map((variable, i): [string, StateTensor] => [
      String(i),
      float32Tensor(variable.dataSync() as Float32Array, variable.shape),
    ]),
  );

const PARTS = {
  model: "model.",
  extra: "extra.",
  teacher: "teacher.",
  momentumBuffers: "velocity.",
  lossScale: "scaler.",
  accumulated: "accumulated.",
} as const;

/** The resume state. */
export const resumeState = (snapshot: Snapshot): StateDict =>
  new Map(
    (Object.keys(PARTS) as (keyof typeof PARTS)[]).flatMap((part) =>
      Array.from(snapshot[part], ([name, tensor]): [string, StateTensor] => [PARTS[part] + name, tensor]),
    ),
  );

const partOf = (prefix: string, state: StateDict): StateDict =>
  new Map(
    Array.from(state)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );

/** Restores a learner's saved state. @throws inputError for another model's */
export function restoreLearner(learner: Learner, { path, state }: Pick<Kept, "path" | "state">): void {
  const origin = { path, modelName: learner.model.name };
  loadState(learner.model.state, partOf(PARTS.model, state), origin);
  loadState(learner.extra, partOf(PARTS.extra, state), origin);
  loadState(learner.teacherStatistics ?? [], partOf(PARTS.teacher, state), origin);
  loadState(lossScaleState(learner.lossScale), partOf(PARTS.lossScale, state), origin);
  loadByIndex(learner.momentumBuffers, partOf(PARTS.momentumBuffers, state), origin);
  loadByIndex(learner.recipe?.accumulated ?? [], partOf(PARTS.accumulated, state), origin);
}

function loadByIndex(variables: readonly Variable[], state: StateDict, origin: Parameters<typeof matchState>[2]): void {
  matchState(
    variables.map(({ shape }, i) => ({ name: String(i), shape, isCounter: false })),
    state,
    origin,
  );
  variables.forEach((variable, i) => {
    assignValues(variable, toFloat32(state.get(String(i)) as StateTensor));
  });
}
