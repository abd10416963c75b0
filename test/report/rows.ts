import type { EpochRow } from "#pefd/report/live/reporter.js";

/** A row with values that take all digits of a double. */
export const row = (epoch: number, more: Partial<EpochRow> = {}): EpochRow => ({
  epoch,
  learningRate: 0.05 * 0.1,
  train: { loss: 14 / (epoch + 2), top1: (100 / 3 + epoch) % 100, top5: 200 / 3 },
  test: { loss: 1 / epoch, top1: (30 + Math.PI * epoch) % 100, top5: 61.4 },
  seconds: 23.45678901234567,
  stepMs: 8.1,
  imagesPerSecond: 0,
  ...more,
});
