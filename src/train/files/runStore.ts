import { join } from "node:path";
import { writeSealedCheckpoint } from "../../checkpoint/writeCheckpoint.js";
import type { EpochRow, StepProgress } from "../../report/log/contract.js";
import { openEpochLog, readEpochLog } from "../../report/log/epochLog.js";
import { openRunEvents } from "../../report/log/runEvents.js";
import { RESUME_FILE, type RunProgress } from "../../runFiles/progress.js";
import { RESULT_FILE } from "../../runFiles/result.js";
import { writeStateFile } from "../../runFiles/stateFile.js";
import { lacksRow, logSha256, logSha256With } from "../claim/log.js";
import type { RunResult } from "./result.js";
import { resumeState, type Snapshot } from "./snapshot.js";
import { missingWeights, type WeightFiles, weightsDue, writeWeights } from "./weightFiles.js";

/** What a run leaves in its folder, all of it. */
export interface RunStore {
  /** Keeps where a run stands within an epoch. */
  keepSteps(snapshot: Snapshot, progress: RunProgress): Promise<void>;
  /**
   * Keeps an epoch. The file to go on from comes first and decides: what else an epoch leaves behind follows from it, and
   * what a kill in between leaves out is made up for when the run goes on.
   * @param progress after the epoch, its row included
   * @param kept called once the file to go on from is written
   * @returns the progress with the log's checksum in it
   */
  keepEpoch(snapshot: Snapshot, progress: RunProgress, kept: () => void): Promise<RunProgress>;
  /** Curves by training step, where they are due. */
  stepDone(progress: StepProgress): void;
  /** All epochs that are logged, whoever trained them. */
  rows(): EpochRow[];
  /** Writes the last weights and the result. */
  finish(snapshot: Snapshot, progress: RunProgress, result: RunResult): Promise<void>;
  close(): void;
}

/** Whose files they are, and which are due when. */
export interface StoreDescription extends WeightFiles {
  /** Terms of the loss that have columns of their own. */
  readonly terms: readonly string[];
  /** Training steps of an epoch. */
  readonly steps: number;
  readonly tbFreq: number;
}

/**
 * Opens a run's files, and makes up for what a kill left out of the last epoch.
 * @param progress where the run stands
 * @param goesOn whether it was kept by an earlier process
 * @param snapshot of the state that it stands at
 * @returns the store, and the progress with the log's checksum in it
 * @throws runError for a file that cannot be written
 */
export async function openRunStore(
  description: StoreDescription,
  progress: RunProgress,
  goesOn: boolean,
  snapshot: () => Snapshot,
): Promise<{ store: RunStore; progress: RunProgress }> {
  const { runDir, terms, steps, tbFreq, modelName } = description;
  const unlogged = goesOn && lacksRow(runDir, progress) ? progress.row : undefined;
  const log = await openEpochLog(runDir, { afterEpoch: progress.epoch, terms });
  const afterEpoch = progress.epoch - (unlogged === undefined ? 0 : 1);
  const events = openRunEvents(runDir, { afterEpoch, steps, tbFreq });
  const logEpoch = (row: EpochRow): void => {
    log.append(row);
    events.epochDone(row);
  };
  const close = () => {
    events.close();
    log.close();
  };
  const resume = (state: Snapshot, stands: RunProgress) =>
    writeSealedCheckpoint(join(runDir, RESUME_FILE), resumeState(state), { progress: stands });
  const store: RunStore = {
    keepSteps: resume,
    async keepEpoch(state, done, kept) {
      const row = done.row as EpochRow;
      const next = { ...done, logSha256: logSha256With(runDir, row) };
      await resume(state, next);
      kept();
      logEpoch(row);
      await writeWeights(description, state, next, weightsDue(description, next));
      return next;
    },
    stepDone: (step) => events.stepDone(step),
    rows: () => readEpochLog(runDir),
    async finish(state, done, result) {
      await writeWeights(description, state, done, [`${modelName}_last`]);
      await writeStateFile(join(runDir, RESULT_FILE), result);
    },
    close,
  };
  try {
    if (unlogged !== undefined) logEpoch(unlogged);
    const missing = await missingWeights(description, progress);
    if (missing.length > 0) await writeWeights(description, snapshot(), progress, missing);
    return { store, progress: { ...progress, logSha256: logSha256(runDir) } };
  } catch (error) {
    close();
    throw error;
  }
}
