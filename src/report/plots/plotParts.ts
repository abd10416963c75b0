import type { Series } from "./draw.js";
import { seriesColor, TONES } from "./theme.js";

/** A plot that was drawn. */
export interface Plot {
  /** What it shows: the outcome, what it costs, what a varied number does to it, or how it came about. */
  readonly kind: "final" | "cost" | "ablation" | "curve";
  /** Name of its file, without the ending. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

/** Plots among others in a page share one legend; a plot in a file of its own needs it. */
export interface PlotStyle {
  readonly legend: boolean;
}

/** A plot's heading, and a smaller line below it. */
export const titlePart = (text: string, subtext = "") => ({
  text,
  subtext,
  subtextStyle: { fontSize: 12, color: TONES.muted.light },
  left: 8,
  top: 8,
  textStyle: { fontSize: 15, fontWeight: 600 as const, color: TONES.ink.light },
});

/** An axis: thin lines, muted numbers. */
export const axisPart = (name = "") => ({
  name,
  nameTextStyle: { color: TONES.muted.light, fontSize: 12 },
  axisLine: { show: true, lineStyle: { color: TONES.muted.light } },
  axisTick: { show: false },
  axisLabel: { color: TONES.muted.light, fontSize: 12 },
  splitLine: { show: true, lineStyle: { color: TONES.line.light } },
});

/** The names of the experiments with their colours, in rows below the heading. */
export const legendPart = (labels: readonly string[]) => ({
  left: 4,
  top: 34,
  icon: "roundRect",
  itemWidth: 14,
  itemHeight: 4,
  itemGap: 14,
  textStyle: { color: TONES.muted.light, fontSize: 12 },
  data: labels.map((name, index) => ({ name, itemStyle: { color: seriesColor(index) } })),
});

/** Height that the legend of some labels takes in a plot of some width: 7 pixels a letter, about. */
export function legendHeight(labels: readonly string[], width: number): number {
  const letters = labels.reduce((sum, label) => sum + label.length * 7 + 34, 0);
  return 28 * Math.ceil(letters / (width - 20));
}

/** A filled polygon in the axes' coordinates. */
export function areaSeries(
  name: string,
  points: readonly (readonly [number, number])[],
  color: string,
): Series {
  return {
    type: "custom",
    name,
    silent: true,
    clip: true,
    z: 1,
    // The axes make room for every corner; the first one draws the whole area.
    data: points.map((point) => [...point]),
    renderItem: ({ dataIndex }, api) => {
      if (dataIndex > 0) return null;
      return {
        type: "polygon",
        shape: { points: points.map((point) => api.coord([...point])) as [number, number][] },
        style: { fill: color, opacity: 0.16 },
      };
    },
  };
}
