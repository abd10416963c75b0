import { mean } from "../runs/statistics.js";

const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** The values thinned to at most `width`: means of equal stretches. Gaps (no number) stay out of the means. */
function thin(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width);
    const to = Math.floor(((i + 1) * values.length) / width);
    return mean(values.slice(from, to).filter(Number.isFinite));
  });
}

/**
 * A curve as one line of blocks, the lowest value ▁ and the highest █; a blank where there is no number.
 * @param width at most so many characters
 */
export function sparkline(values: readonly number[], width: number): string {
  const points = thin(values, width);
  const finite = points.filter(Number.isFinite);
  const low = Math.min(...finite);
  const range = Math.max(...finite) - low;
  return points
    .map((value) => {
      if (!Number.isFinite(value)) return " ";
      const level = range === 0 ? 0 : Math.round(((value - low) / range) * (BLOCKS.length - 1));
      return BLOCKS[level];
    })
    .join("");
}
