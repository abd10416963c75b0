/** Rows of numbers in float64, [rows, columns] in C order: one row per sample. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** A matrix of zeros. */
export const zeros = (rows: number, columns: number): Matrix => ({
  rows,
  columns,
  values: new Float64Array(rows * columns),
});

/**
 * A matrix from its rows.
 * @throws RangeError when they differ in length
 */
export function matrixOf(rows: readonly (readonly number[])[]): Matrix {
  const columns = rows[0]?.length ?? 0;
  if (rows.some((row) => row.length !== columns))
    throw new RangeError("The rows differ in length.");
  return { rows: rows.length, columns, values: Float64Array.from(rows.flat()) };
}

/** Row i, [columns], sharing the matrix's memory. */
export const rowAt = ({ values, columns }: Matrix, i: number): Float64Array =>
  values.subarray(i * columns, (i + 1) * columns);

/** Sum of the products of two vectors of one length. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Length of a vector: the L2 norm. */
export const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

/** target += factor * source, element by element. */
export function addScaled(target: Float64Array, factor: number, source: Float64Array): void {
  for (let i = 0; i < source.length; i++)
    target[i] = (target[i] as number) + factor * (source[i] as number);
}

/** The matrix less the mean of its rows, so that every column sums to 0. */
export function centered(matrix: Matrix): Matrix {
  const { rows, columns } = matrix;
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++) addScaled(mean, 1 / rows, rowAt(matrix, i));
  const result = { rows, columns, values: Float64Array.from(matrix.values) };
  for (let i = 0; i < rows; i++) addScaled(rowAt(result, i), -1, mean);
  return result;
}
