import { batchRanges, epochPlan, PLAN_COLUMNS } from "../../data/sampler.js";
import type { BatchSource } from "../../train/feeds/batchSource.js";
import { median } from "../measure.js";
import type { Reading } from "./types.js";

/** Images of a repeat, at least: some tenths of a second on many cores. */
const IMAGES = 1024;

/** How reading is timed. */
export interface ReadingSettings {
  readonly seed: number;
  readonly batchSize: number;
  /** At least 1. */
  readonly repeats: number;
  /** Processor time of this process so far, of all its threads, in seconds. */
  processorSeconds(): number;
}

/** Plan rows of one epoch after another until there are images enough. @param repeat from 0 */
function planOf({ set }: BatchSource, seed: number, repeat: number): Int32Array {
  const images = Math.min(set.count, IMAGES);
  const epochs = Math.ceil(IMAGES / images);
  const plan = new Int32Array(epochs * images * PLAN_COLUMNS);
  for (let i = 0; i < epochs; i++) {
    const epoch = epochPlan(seed, 1 + repeat * epochs + i, set.count, set.augmentation);
    plan.set(epoch.subarray(0, images * PLAN_COLUMNS), i * images * PLAN_COLUMNS);
  }
  return plan;
}

/** Takes all batches of a plan, those that come next being known, as an epoch takes them. */
function readAll({ values }: BatchSource, plan: Int32Array, batchSize: number): void {
  for (const { from, to } of batchRanges(plan.length / PLAN_COLUMNS, batchSize)) {
    values(plan.subarray(from * PLAN_COLUMNS, to * PLAN_COLUMNS), plan.subarray(to * PLAN_COLUMNS));
  }
}

/** Times a source alone, without steps; a first repeat, in which threads start, does not count. */
export function timeReading(
  source: BatchSource,
  { seed, batchSize, repeats, processorSeconds }: ReadingSettings,
): Reading {
  const perSecond: number[] = [];
  const perProcessorSecond: number[] = [];
  for (let repeat = 0; repeat <= repeats; repeat++) {
    const plan = planOf(source, seed, repeat);
    const [started, processor] = [performance.now(), processorSeconds()];
    readAll(source, plan, batchSize);
    const images = plan.length / PLAN_COLUMNS;
    const seconds = (performance.now() - started) / 1000;
    if (repeat === 0) continue;
    perSecond.push(images / seconds);
    perProcessorSecond.push(images / (processorSeconds() - processor));
  }
  return {
    imagesPerSecond: median(perSecond),
    imagesPerSecondMin: Math.min(...perSecond),
    imagesPerSecondMax: Math.max(...perSecond),
    imagesPerProcessorSecond: median(perProcessorSecond),
  };
}
