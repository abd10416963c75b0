import { join } from "node:path";
import type { Metadata } from "../../checkpoint/metadata.js";
import { type Checkpoint, readCheckpoint } from "../../checkpoint/readCheckpoint.js";
import { writeSealedCheckpoint } from "../../checkpoint/writeCheckpoint.js";
import { inputError } from "../../common/errors.js";
import { makeFolder } from "../../common/files/atomicFile.js";
import type { StateDict } from "../../common/stateDict.js";
import type { EpochRow, StepProgress } from "../../report/log/contract.js";
import { openEpochLog, readEpochLog } from "../../report/log/epochLog.js";
import { openRunEvents } from "../../report/log/runEvents.js";
import { RESULT_FILE, RESUME_FILE, type RunProgress, writeStateFile } from "../../runFiles/stateFile.js";
import type { RunResult } from "./result.js";
import { lacksRow, logSha256, logSha256With, resumeState, type Snapshot } from "./snapshot.js";

interface WeightFiles {
  readonly runDir: string;
  readonly modelName: string;
  /** For evaluations and conversions. */
  readonly dataset: string;
  /** If not the data set's. */
  readonly imageSize?: number | undefined;
  /** Whether the method has weights. */
  readonly addsWeights: boolean;
  /** If the method predicts with more than the student. */
  readonly predictor?: Metadata | undefined;
  readonly saveFreq: number;
}

const weightsDue = ({ modelName, saveFreq }: WeightFiles, { epoch, best }: RunProgress): string[] => [
  ...(best.epoch === epoch ? [`${modelName}_best`] : []),
  ...(epoch % saveFreq === 0 ? [`ckpt_epoch_${epoch}`] : []),
];

/** Missing or truncated ones of the last epoch, as after a kill; state saved later cannot restore them. */
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
    for (const path of paths) if ((await readCheckpoint(path)).metadata.epoch !== epoch) return false;
    return true;
  } catch {
    return false;
  }
}

const named = (name: string): string => `${name}.safetensors`;
const projectorsFile = (file: string): string => named(`${file}_projectors`);
const predictorFile = (file: string): string => named(`${file}_predictor`);

/** The model's file, the projectors' for analysis, and the predictor's for evaluation. */
const filesOf = ({ addsWeights, predictor }: WeightFiles, file: string): string[] => [
  named(file),
  ...(addsWeights ? [projectorsFile(file)] : []),
  ...(predictor === undefined ? [] : [predictorFile(file)]),
];

/** Identity checksum in a weight file; undefined in files of early versions and other programs. */
export const runIn = ({ identitySha256 }: Metadata): string | undefined =>
  typeof identitySha256 === "string" ? identitySha256 : undefined;

/** Whether a file records another run's identity. */
export const isOfAnotherRun = (metadata: Metadata, run: string | undefined): boolean =>
  run !== undefined && ![undefined, run].includes(runIn(metadata));

/** Refuses a file beside a checkpoint where recorded run or epoch differ. @throws inputError */
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

/** With the run's identity and a checksum. @throws as writeCheckpoint */
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

/** Each peer's last weights, as a checkpoint of its own: peer1/MODEL_last.safetensors. */
async function writePeers(
  { runDir, dataset, imageSize, peers }: StoreDescription,
  { added }: Snapshot,
  { epoch, identitySha256 }: RunProgress,
): Promise<void> {
  for (const [i, model] of peers.entries()) {
    const prefix = `peers.${i}.`;
    const own = [...added].filter(([name]) => name.includes(prefix));
    const state = new Map(own.map(([name, tensor]) => [name.slice(name.indexOf(prefix) + prefix.length), tensor]));
    const folder = join(runDir, `peer${i + 1}`);
    makeFolder(folder);
    const metadata = { model, dataset, image_size: imageSize, epoch, identitySha256 };
    await writeSealedCheckpoint(join(folder, named(`${model}_last`)), state, metadata);
  }
}

export interface RunStore {
  keepSteps(snapshot: Snapshot, progress: RunProgress): Promise<void>;
  /**
   * Saves an epoch: the resume state first, from which others are restored after a kill.
   * @param kept called after the resume state
   * @returns the progress with the log's checksum
   */
  keepEpoch(snapshot: Snapshot, progress: RunProgress, kept: () => void): Promise<RunProgress>;
  /** TensorBoard curves, where due. */
  stepDone(progress: StepProgress): void;
  /** Of all processes. */
  rows(): EpochRow[];
  finish(snapshot: Snapshot, progress: RunProgress, result: RunResult): Promise<void>;
  close(): void;
}

export interface StoreDescription extends WeightFiles {
  /** With columns of their own. */
  readonly terms: readonly string[];
  readonly steps: number;
  readonly tbFreq: number;
  /** Names of models that learn beside it, whose tensors in `added` begin with peers.0 and so on. */
  readonly peers: readonly string[];
}

/**
 * Opens a run's files, and restores those that a kill prevented.
 * @param goesOn whether progress was saved earlier
 * @returns the store, and the progress with the log's checksum
 * @throws runError for an unwritable file
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
      await writePeers(description, state, done);
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
