import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readCheckpoint } from "../../checkpoint/readCheckpoint.js";
import { inputError, PefdError } from "../../common/errors.js";
import type { StateDict } from "../../common/stateDict.js";
import { EPOCH_LOG, epochLogText, epochLogWith } from "../../report/log/epochLog.js";
import {
  damagedFile,
  firstComplaint,
  progressSchema,
  RESUME_FILE,
  type RunProgress,
} from "../../runFiles/stateFile.js";

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

export interface Kept {
  readonly path: string;
  readonly progress: RunProgress;
  readonly state: StateDict;
}

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
