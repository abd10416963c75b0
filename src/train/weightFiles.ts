import { join } from "node:path";
import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { writeSealedCheckpoint } from "../checkpoint/writeCheckpoint.js";
import type { TrainOptions } from "../config/options.js";
import { isBuffer } from "../nn/builder.js";
import type { RunProgress } from "../runFiles/progress.js";
import type { Learner } from "./learner.js";
import { stateDictOf } from "./stateFiles.js";

/** Whose weights they are, and where they lie. */
interface Subject {
  readonly runDir: string;
  readonly learner: Learner;
  readonly options: Pick<TrainOptions, "save_freq">;
}

/** Names of the files of weights that an epoch leaves. */
export const weightsDue = (
  { learner, options }: Subject,
  { epoch, best }: RunProgress,
): string[] => [
  ...(best.epoch === epoch ? [`${learner.model.name}_best`] : []),
  ...(epoch % options.save_freq === 0 ? [`ckpt_epoch_${epoch}`] : []),
];

/**
 * Those of the last completed epoch that are not there or not whole, as after a kill. What is kept of a run that has
 * begun the next epoch is no longer that one's.
 */
export async function missingWeights(subject: Subject, progress: RunProgress): Promise<string[]> {
  if (progress.epoch === 0 || progress.step > 0) return [];
  const missing: string[] = [];
  for (const file of weightsDue(subject, progress)) {
    if (!(await areOfEpoch(pathsOf(subject, file), progress.epoch))) missing.push(file);
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

/** What a method adds to a student's weights: not what only training writes and reads, such as a memory bank. */
const ownWeights = ({ extra }: Learner) => extra.filter(({ role }) => !isBuffer(role));

/** The model's file, and beside it the projectors', which evaluation does not need but analysis does. */
function pathsOf({ runDir, learner }: Subject, file: string): [string, ...string[]] {
  const extra = ownWeights(learner).length === 0 ? [] : [`${file}_projectors`];
  const path = (name: string) => join(runDir, `${name}.safetensors`);
  return [path(file), ...extra.map(path)];
}

/** Writes files of weights, each with a checksum of its content. @throws as writeCheckpoint */
export async function writeWeights(
  subject: Subject,
  { epoch, steps, row }: RunProgress,
  files: readonly string[],
): Promise<void> {
  const { model } = subject.learner;
  const extra = ownWeights(subject.learner);
  for (const file of files) {
    const [path, beside] = pathsOf(subject, file);
    const metadata = { model: model.name, epoch, accuracy: row?.test.top1 };
    await writeSealedCheckpoint(path, stateDictOf(model.state, steps), metadata);
    if (beside === undefined) continue;
    await writeSealedCheckpoint(beside, stateDictOf(extra, steps), { epoch });
  }
}
