import { addScaled, centered, type Matrix, norm, rowAt, zeros } from "./matrix.js";

/** |X' Y|_F of two matrices of as many rows: the Frobenius norm of a [X.columns, Y.columns] matrix. */
function crossNorm(x: Matrix, y: Matrix): number {
  const product = zeros(x.columns, y.columns);
  for (let i = 0; i < x.rows; i++) {
    const row = rowAt(y, i);
    for (const [j, value] of rowAt(x, i).entries()) addScaled(rowAt(product, j), value, row);
  }
  return norm(product.values);
}

/**
 * Linear centered kernel alignment of two sets of features of the same samples:
 * CKA = |X' Y|_F^2 / (|X' X|_F |Y' Y|_F), X and Y centered by column. 0 to 1; 1 where one is the other rotated and
 * scaled. The sizes of the features may differ.
 * Source: Kornblith et al., Similarity of Neural Network Representations Revisited, ICML 2019, section 3.
 * @param first [N, D1]
 * @param second [N, D2]
 * @returns undefined where one of them is the same for all samples
 */
export function linearCka(first: Matrix, second: Matrix): number | undefined {
  const x = centered(first);
  const y = centered(second);
  const scale = crossNorm(x, x) * crossNorm(y, y);
  return scale === 0 ? undefined : crossNorm(x, y) ** 2 / scale;
}
