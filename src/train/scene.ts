import { inputError } from "../common/errors.js";
import type { TrainOptions } from "../config/options.js";
import { readAhead } from "../data/binary/ahead.js";
import { type Dataset, reencodingNote } from "../data/dataset.js";
import { sizedDataset } from "../data/registry.js";
import { skipListIn } from "../data/skipList.js";
import { deviceWarning, isGpu } from "../runtime/device.js";
import { loadTensorFlow } from "../runtime/tf.js";
import { arithmeticOf, asksForFloat32, chooseEngine, type EngineChoice, precisionNote, reducedNote } from "./engine.js";
import type { Hooks } from "./files/result.js";

export interface Scene {
  readonly dataset: Dataset;
  readonly choice: EngineChoice;
  readonly seed: number;
  /** Of the list of excluded images. */
  readonly leftOutSha256?: string;
}

type Seeding = Pick<TrainOptions, "trial"> & { readonly generation?: number | undefined };

/** Of initialisation, shuffling and augmentation; another for each born-again generation. */
export const seedOf = ({ trial, generation = 1 }: Seeding): number => 10 * trial + generation - 1;

/** Loads TensorFlow and the data. @throws inputError for unreadable data */
export async function openScene(options: TrainOptions, { reporter, env }: Hooks): Promise<Scene> {
  const skip = skipListIn(options.skip_list);
  const row = sizedDataset(options.dataset, options.image_size);
  // A thread reads large files while this one loads TensorFlow, which takes as long.
  const reading = readAhead(row.filesAhead?.(options.data) ?? []);
  const { gpu, deterministic } = options;
  const keepPrograms = !options.no_cache;
  loadTensorFlow({ env, gpu, keepPrograms, deterministic, exactFloat32: asksForFloat32(options) });
  const dataset = await row.open(options.data, {
    ahead: await reading,
    onProgress: reporter.phase,
    ...(options.limit_train !== undefined && { limitTrain: options.limit_train }),
    ...(options.limit_test !== undefined && { limitTest: options.limit_test }),
    ...(skip && { skip }),
  });
  const warning = deviceWarning(env);
  if (warning !== undefined) reporter.warn(warning);
  const changed = reencodingNote(dataset.train);
  if (changed !== undefined) reporter.warn(changed);
  const choice = chooseEngine(options, env);
  if (deterministic) refuseNondeterministic(choice);
  const arithmetic = arithmeticOf(env);
  const notes = [precisionNote(choice, arithmetic), reducedNote(options, choice, arithmetic.reduced)];
  for (const text of notes) if (text !== undefined) reporter.notice(text);
  return { dataset, choice, seed: seedOf(options), ...(skip && { leftOutSha256: skip.sha256 }) };
}

/**
 * On a CPU every engine gives the same bytes for a seed; on a GPU the reduction order of convolution gradients varies,
 * unless XLA excludes such algorithms (runtime/prepare.ts).
 */
function refuseNondeterministic({ engine }: EngineChoice): void {
  if (!isGpu() || engine === "xla") return;
  throw inputError(
    `--deterministic is not to be had from the ${engine} engine on a GPU: the order of sums in its convolution gradients varies.`,
    "Take --engine xla, or hide the GPU with PEFD_RUNTIME=cpu to run on the CPU.",
  );
}
