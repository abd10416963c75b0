import { join } from "node:path";
import type { Metadata } from "../../checkpoint/metadata.js";
import { type Checkpoint, readCheckpoint } from "../../checkpoint/readCheckpoint.js";
import { writeSealedCheckpoint } from "../../checkpoint/writeCheckpoint.js";
import { inputError } from "../../common/errors.js";
import type { StateDict } from "../../common/stateDict.js";
import type { EpochRow, StepProgress } from "../../report/log/contract.js";
import { openEpochLog, readEpochLog } from "../../report/log/epochLog.js";
import { openRunEvents } from "../../report/log/runEvents.js";
import { RESULT_FILE, RESUME_FILE, type RunProgress, writeStateFile } from "../../runFiles/stateFile.js";
import { lacksRow, logSha256, logSha256With } from "../claim/kept.js";
import type { RunResult } from "./result.js";
import { resumeState, type Snapshot } from "./snapshot.js";

/** Where a run's weights lie, and how often they are kept. */
interface WeightFiles {
  readonly runDir: string;
  readonly modelName: string;
  /** The data set that they were learned from, by which evaluations and conversions find images and classes. */
  readonly dataset: string;
  /** Side of its images where that is not the data set's own. */
  readonly imageSize?: number | undefined;
  /** Whether a method adds weights of its own. */
  readonly addsWeights: boolean;
  /** What the file of its predictor tells, where a method predicts through more than the student. */
  readonly predictor?: Metadata | undefined;
  /** A checkpoint every so many epochs. */
  readonly saveFreq: number;
}

/** Names of the files of weights that an epoch leaves. */
const weightsDue = ({ modelName, saveFreq }: WeightFiles, { epoch, best }: RunProgress): string[] => [
  ...(best.epoch === epoch ? [`${modelName}_best`] : []),
  ...(epoch % saveFreq === 0 ? [`ckpt_epoch_${epoch}`] : []),
];

/**
 * Those of the last completed epoch that are not there or not whole, as after a kill. What is kept of a run that has
 * begun the next epoch is no longer that one's.
 */
async function missingWeights(files: WeightFiles, progress: RunProgress): Promise<string[]> {
  if (progress.epoch === 0 || progress.step > 0) return [];
  const missing: string[] = [];
  for (const file of weightsDue(files, progress)) {
    const paths = filesOf(files, file).map((name) => join(files.runDir, name));
    if (!(await areOfEpoch(paths, progress.epoch))) missing.push(file);
  }
  return missing;
}

async function areOfEpoch(paths: readonly string[], epoch: number): Promise<boolean> {
  try {
    for (const path of paths) {
      if ((await readCheckpoint(path)).metadata.epoch !== epoch) return false;
    }
    return true;
  } catch {
    return false;
  }
}

const named = (name: string): string => `${name}.safetensors`;
const projectorsFile = (file: string): string => named(`${file}_projectors`);
const predictorFile = (file: string): string => named(`${file}_predictor`);

/** The model's file, and those beside it: the projectors' for analysis, the predictor's for evaluation. */
const filesOf = ({ addsWeights, predictor }: WeightFiles, file: string): string[] => [
  named(file),
  ...(addsWeights ? [projectorsFile(file)] : []),
  ...(predictor === undefined ? [] : [predictorFile(file)]),
];

/**
 * The run that a file of weights says it is of, by its identity's checksum; undefined where it does not say, as files of
 * earlier versions and of other programs.
 */
export const runIn = ({ identitySha256 }: Metadata): string | undefined =>
  typeof identitySha256 === "string" ? identitySha256 : undefined;

/** Whether a file says that it is of another run; one that does not say may be of this one. */
export const isOfAnotherRun = (metadata: Metadata, run: string | undefined): boolean =>
  run !== undefined && ![undefined, run].includes(runIn(metadata));

/**
 * Refuses a file that lies beside a checkpoint and does not belong to it.
 * @throws inputError where one of them is of another run or another epoch, as far as both say
 */
export function refuseStranger(
  path: string,
  { metadata }: Pick<Checkpoint, "metadata">,
  checkpoint: Pick<Checkpoint, "path" | "metadata">,
): void {
  const [epoch, own] = [metadata.epoch, checkpoint.metadata.epoch];
  const hint = "Take both from one run, as it has left them; `pefd verify` shows which file is not its own.";
  if (isOfAnotherRun(metadata, runIn(checkpoint.metadata))) {
    throw inputError(`${path} is of another run than ${checkpoint.path} beside it.`, hint);
  }
  if (typeof epoch !== "number" || typeof own !== "number" || epoch === own) return;
  throw inputError(`${path} is of epoch ${epoch}, and ${checkpoint.path} of epoch ${own}.`, hint);
}

/** Writes files of weights, each with the run that it is of and a checksum of its content. @throws as writeCheckpoint */
async function writeWeights(
  files: WeightFiles,
  { model, added, predictor }: Snapshot,
  { epoch, row, identitySha256 }: RunProgress,
  names: readonly string[],
): Promise<void> {
  const { runDir, modelName, dataset, imageSize, addsWeights, predictor: through } = files;
  const write = (file: string, state: StateDict, metadata: Metadata) =>
    writeSealedCheckpoint(join(runDir, file), state, { ...metadata, identitySha256 });
  for (const name of names) {
    await write(named(name), model, {
      model: modelName,
      dataset,
      image_size: imageSize,
      epoch,
      accuracy: row?.test.top1,
      ...(through !== undefined && { predictor: predictorFile(name) }),
    });
    if (addsWeights) await write(projectorsFile(name), added, { epoch });
    if (through !== undefined) await write(predictorFile(name), predictor, { ...through, epoch });
  }
}

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
