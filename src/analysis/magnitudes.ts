import { type Matrix, norm, rowAt } from "./matrix.js";

/** Mean over the samples of the L2 norm of their features: 1/N sum_i |f_i|. @param features [N, D] */
export function meanNorm(features: Matrix): number {
  let sum = 0;
  for (let i = 0; i < features.rows; i++) sum += norm(rowAt(features, i));
  return sum / features.rows;
}

/** Percentage of the features' elements that are exactly 0, as a ReLU leaves them. @param features [N, D] */
export function zeroPercentage(features: Matrix): number {
  const count = features.values.reduce((sum, value) => sum + (value === 0 ? 1 : 0), 0);
  return (100 * count) / features.values.length;
}

/**
 * Percentage of positions at which two lists hold the same class: with the labels top-1 accuracy, with another
 * model's predictions the agreement of the two.
 */
export function matchPercentage(first: ArrayLike<number>, second: ArrayLike<number>): number {
  let same = 0;
  for (let i = 0; i < first.length; i++) same += first[i] === second[i] ? 1 : 0;
  return (100 * same) / first.length;
}
