import { join } from "node:path";
import type { Metadata } from "../../checkpoint/metadata.js";
import { readCheckpoint } from "../../checkpoint/readCheckpoint.js";
import { writeSealedCheckpoint } from "../../checkpoint/writeCheckpoint.js";
import type { StateDict } from "../../common/stateDict.js";
import type { RunProgress } from "../../runFiles/progress.js";
import type { Snapshot } from "./snapshot.js";

/** Where a run's weights lie, and how often they are kept. */
export interface WeightFiles {
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
export const weightsDue = (
  { modelName, saveFreq }: WeightFiles,
  { epoch, best }: RunProgress,
): string[] => [
  ...(best.epoch === epoch ? [`${modelName}_best`] : []),
  ...(epoch % saveFreq === 0 ? [`ckpt_epoch_${epoch}`] : []),
];

/**
 * Those of the last completed epoch that are not there or not whole, as after a kill. What is kept of a run that has
 * begun the next epoch is no longer that one's.
 */
export async function missingWeights(files: WeightFiles, progress: RunProgress): Promise<string[]> {
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

/** Writes files of weights, each with a checksum of its content. @throws as writeCheckpoint */
export async function writeWeights(
  files: WeightFiles,
  { model, added, predictor }: Snapshot,
  { epoch, row }: RunProgress,
  names: readonly string[],
): Promise<void> {
  const { runDir, modelName, dataset, imageSize, addsWeights, predictor: through } = files;
  const write = (file: string, state: StateDict, metadata: Metadata) =>
    writeSealedCheckpoint(join(runDir, file), state, metadata);
  for (const name of names) {
    await write(named(name), model, {
      ...{ model: modelName, dataset, image_size: imageSize, epoch, accuracy: row?.test.top1 },
      ...(through !== undefined && { predictor: predictorFile(name) }),
    });
    if (addsWeights) await write(projectorsFile(name), added, { epoch });
    if (through !== undefined) await write(predictorFile(name), predictor, { ...through, epoch });
  }
}
