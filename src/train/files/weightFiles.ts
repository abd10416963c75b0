import { join } from "node:path";
import { readCheckpoint } from "../../checkpoint/readCheckpoint.js";
import { writeSealedCheckpoint } from "../../checkpoint/writeCheckpoint.js";
import type { RunProgress } from "../../runFiles/progress.js";
import type { Snapshot } from "./snapshot.js";

/** Where a run's weights lie, and how often they are kept. */
export interface WeightFiles {
  readonly runDir: string;
  readonly modelName: string;
  /** Whether a method adds weights of its own. */
  readonly addsWeights: boolean;
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
    if (!(await areOfEpoch(pathsOf(files, file), progress.epoch))) missing.push(file);
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

/** The model's file, and beside it the projectors', which evaluation does not need but analysis does. */
function pathsOf({ runDir, addsWeights }: WeightFiles, file: string): [string, ...string[]] {
  const path = (name: string) => join(runDir, `${name}.safetensors`);
  return [path(file), ...(addsWeights ? [path(`${file}_projectors`)] : [])];
}

/** Writes files of weights, each with a checksum of its content. @throws as writeCheckpoint */
export async function writeWeights(
  files: WeightFiles,
  { model, added }: Snapshot,
  { epoch, row }: RunProgress,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const [path, beside] = pathsOf(files, name);
    const metadata = { model: files.modelName, epoch, accuracy: row?.test.top1 };
    await writeSealedCheckpoint(path, model, metadata);
    if (beside !== undefined) await writeSealedCheckpoint(beside, added, { epoch });
  }
}
