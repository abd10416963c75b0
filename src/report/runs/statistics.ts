export interface Spread {
  readonly mean: number;
  /** Standard deviation of the sample (n - 1); undefined for a single number. */
  readonly std: number | undefined;
}

/** The arithmetic mean; NaN of nothing. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean and sample standard deviation (n - 1), to the last bit the same in any order; undefined of nothing. */
export function spread(unordered: readonly number[]): Spread | undefined {
  if (unordered.length === 0) return undefined;
  const values = [...unordered].sort((a, b) => a - b);
  const center = mean(values);
  if (values.length === 1) return { mean: center, std: undefined };
  const squares = values.map((value) => (value - center) ** 2);
  return { mean: center, std: Math.sqrt(squares.reduce((a, b) => a + b, 0) / (values.length - 1)) };
}

/** "76.28 ± 0.12", or "76.28" of a single number, or "-" of nothing. */
export function formatSpread(value: Spread | undefined, digits = 2): string {
  if (value === undefined) return "-";
  const center = value.mean.toFixed(digits);
  return value.std === undefined ? center : `${center} ± ${value.std.toFixed(digits)}`;
}
