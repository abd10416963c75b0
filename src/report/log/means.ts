import type { StepProgress } from "./contract.js";

/**
 * The mean over the images between two reports of one epoch, from the running means that they hold.
 * @param before the earlier report; undefined for the start of the epoch
 */
export function newestMean(
  before: StepProgress | undefined,
  now: StepProgress,
  key: "loss" | "top1" | "top5",
): number {
  const images = now.images - (before?.images ?? 0);
  if (images <= 0) return now[key];
  const sum = now[key] * now.images - (before?.[key] ?? 0) * (before?.images ?? 0);
  // Losses and percentages are never negative, but the difference of two roundings may be.
  return Math.max(0, sum / images);
}
