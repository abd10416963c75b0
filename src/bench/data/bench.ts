import { inputError } from "../../common/errors.js";
import type { DatasetLimits, DatasetRow } from "../../data/dataset.js";
import { deviceName, deviceWarning, isGpu } from "../../runtime/device.js";
import { tensorFlowVersion } from "../../runtime/native.js";
import { loadTensorFlow, tf } from "../../runtime/tf.js";
import { asksForFloat32, chooseEngine } from "../../train/engine.js";
import type { BatchSource } from "../../train/feeds/batchSource.js";
import { chooseSources } from "../../train/source.js";
import type { BenchHooks } from "../bench.js";
import { type Trained, timeFedSteps } from "./fedSteps.js";
import { timeReading } from "./reading.js";
import type { DataDocument } from "./types.js";

const SEED = 10;

/** What is asked for; undefined leaves it to the machine. */
export interface DataBenchOptions extends Trained {
  readonly row: DatasetRow;
  readonly data: string;
  readonly limits: DatasetLimits;
  readonly workers: number;
  readonly engine: Parameters<typeof chooseEngine>[0]["engine"];
  readonly precision: Parameters<typeof chooseEngine>[0]["precision"];
  readonly gpu: number | undefined;
  readonly batchSize: number | undefined;
  readonly steps: number | undefined;
  readonly repeats: number;
}

/** What such a benchmark asks besides. */
export interface DataBenchHooks extends BenchHooks {
  /** Processor time of this process so far, of all its threads, in seconds. */
  processorSeconds(): number;
}

/** As `pefd bench` has them for its other works. */
const SIZES = { gpu: { batchSize: 64, steps: 64 }, cpu: { batchSize: 16, steps: 5 } } as const;

/**
 * Times how fast a data set's training images are read, decoded and shown, and, where models are named, whether training
 * steps wait for them.
 * @throws inputError for a folder that cannot be read, and models that do not fit; runError for an image that cannot be used
 */
export async function runDataBench(
  options: DataBenchOptions,
  { env, notice, processorSeconds }: DataBenchHooks,
): Promise<DataDocument> {
  const { row, data, workers, repeats, gpu, engine, precision } = options;
  const dataset = await row.open(data, options.limits);
  const exactFloat32 = asksForFloat32({ engine, precision });
  loadTensorFlow({ env, gpu, exactFloat32 });
  const warning = deviceWarning(env);
  if (warning !== undefined) notice(`warning: ${warning}`);
  const own = isGpu() ? SIZES.gpu : SIZES.cpu;
  const { batchSize = own.batchSize, steps = own.steps } = options;
  if (batchSize > dataset.train.count) {
    throw inputError(
      `A batch of ${batchSize} images is more than the ${dataset.train.count} of ${data}.`,
      "Give a smaller one with --batch_size.",
    );
  }
  const choice = chooseEngine({ engine, precision }, env);
  const sources = chooseSources([dataset.train, dataset.test], choice.engine, {
    ...{ seed: SEED, workers, batchSize },
  });
  const [train, test] = sources as [BatchSource, BatchSource];
  try {
    notice("reading");
    const reading = timeReading(train, { seed: SEED, batchSize, repeats, processorSeconds });
    const isTrained = options.teacher !== undefined || options.student !== undefined;
    if (isTrained) notice(`steps: ${choice.engine}, ${choice.precision}`);
    const settings = { dataset, train, test, choice, seed: SEED, batchSize, steps };
    return {
      ...{ device: deviceName(env), tensorflow: tensorFlowVersion(), dataset: row.name, data },
      ...{ images: dataset.train.count, workers, batchSize, repeats, reading },
      ...(isTrained && { steps: timeFedSteps(options, settings) }),
    };
  } finally {
    for (const source of sources) source.close?.();
    tf.dispose(sources.flatMap(({ variables }) => [...variables]));
  }
}
