import type { Matrix } from "#pefd/analysis/outputs.js";

/** A matrix from its rows. */
export const matrixOf = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  columns: rows[0]?.length ?? 0,
  values: Float64Array.from(rows.flat()),
});
