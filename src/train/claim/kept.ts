import { existsSync } from "node:fs";
import { join } from "node:path";
import { readCheckpoint } from "../../checkpoint/readCheckpoint.js";
import { inputError, PefdError } from "../../common/errors.js";
import type { StateDict } from "../../common/stateDict.js";
import { progressSchema, RESUME_FILE, type RunProgress } from "../../runFiles/progress.js";
import { damagedFile, firstComplaint } from "../../runFiles/stateFile.js";

/** What a run has kept to go on from, found whole. */
export interface Kept {
  readonly path: string;
  readonly progress: RunProgress;
  readonly state: StateDict;
}

const STATE_LOST =
  "What the run was to go on from is lost. Its weights can still be evaluated (`pefd eval --checkpoint`); --force starts " +
  "anew and keeps this run until the new one has kept an epoch.";

/**
 * Reads resume.safetensors and compares its checksum.
 * @returns undefined where there is none
 * @throws inputError where it is damaged, or has no checksum or no progress in it
 */
export async function readKept(runDir: string): Promise<Kept | undefined> {
  const path = join(runDir, RESUME_FILE);
  if (!existsSync(path)) return undefined;
  const { state, metadata, isSealed } = await readWhole(path);
  if (!isSealed) throw damagedFile(path, "it carries no checksum", STATE_LOST);
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
