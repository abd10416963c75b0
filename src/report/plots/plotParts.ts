import type { Spread } from "../runs/statistics.js";
import type { Drawing, Series } from "./draw.js";
import { textWidth, wrapped } from "./textWidth.js";
import { TONES } from "./theme.js";

/** Where a mean stands on the axes: across (the experiment's place) and along (the value). */
type WhiskerPlace = { readonly at: number; readonly spread: Spread; readonly color: string };

type XY = [number, number];

function strokes(center: XY, low: XY | undefined, high: XY | undefined, cross: XY): [XY, XY][] {
  const around = ([x, y]: XY, size: number): [XY, XY] => [
    [x - cross[0] * size, y - cross[1] * size],
    [x + cross[0] * size, y + cross[1] * size],
  ];
  const middle = around(center, 15);
  return low && high ? [middle, [low, high], around(low, 5), around(high, 5)] : [middle];
}

/** Means with whiskers of one sample deviation; values run to the right for "x", up for "y". */
export function whiskerSeries(places: readonly WhiskerPlace[], direction: "x" | "y"): Series {
  const point = (at: number, value: number) => (direction === "x" ? [value, at] : [at, value]);
  const cross: XY = direction === "x" ? [0, 1] : [1, 0];
  return {
    type: "custom",
    silent: true,
    z: 2,
    // The axes make room for the ends of the whiskers, too.
    encode: direction === "x" ? { x: [0, 2, 3], y: 1 } : { x: 0, y: [1, 2, 3] },
    data: places.map(({ at, spread: { mean, std = 0 } }) => [...point(at, mean), mean - std, mean + std]),
    renderItem: (params, api) => {
      const place = places[params.dataIndex];
      if (place === undefined) return null;
      const { mean, std } = place.spread;
      const pixel = (value: number) => api.coord(point(place.at, value)) as XY;
      const ends = std === undefined ? [] : [pixel(mean - std), pixel(mean + std)];
      return {
        type: "group",
        children: strokes(pixel(mean), ends[0], ends[1], cross).map(([a, b], index) => ({
          type: "line" as const,
          shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] },
          style: { stroke: place.color, lineWidth: index === 0 ? 2.5 : 1.5, fill: "none" },
        })),
      };
    },
  };
}

export interface Plot extends Drawing {
  readonly kind: "final" | "cost" | "ablation" | "curve" | "term";
  /** Name of its file, without the ending. */
  readonly name: string;
  readonly title: string;
  /** The same for a narrow page, where it cannot be scaled to that. */
  readonly narrow?: Drawing;
}

/** The width in pixels that the narrow version of a plot is drawn in: that of a phone. */
export const NARROW = 350;

/** Plots among others in a page share one legend; a plot in a file of its own needs it. */
export type PlotStyle = { readonly legend: boolean };

const TITLE = 15;
const SUBTITLE = 12;
const LINE = 1.3;
const GAP = 6;

/** A plot's heading and subtext wrapped to `width`, as ECharts options, and their height in pixels. */
export function headingPart(text: string, subtext: string, width: number) {
  const lines = wrapped(text, (width - 24) / 1.1, TITLE);
  const below = subtext === "" ? [] : wrapped(subtext, width - 24, SUBTITLE);
  const title = {
    text: lines.join("\n"),
    subtext: below.join("\n"),
    left: 8,
    top: 8,
    itemGap: GAP,
    subtextStyle: { fontSize: SUBTITLE, lineHeight: SUBTITLE * LINE, color: TONES.muted.light },
    textStyle: { fontSize: TITLE, lineHeight: TITLE * LINE, fontWeight: 600 as const, color: TONES.ink.light },
  };
  const height = lines.length * TITLE * LINE + below.length * SUBTITLE * LINE;
  return { title, height: Math.ceil(height) + (below.length > 0 ? GAP : 0) + 24 };
}

/** An axis: thin lines, muted numbers. */
export const axisPart = (name = "") => ({
  name,
  nameLocation: "middle" as const,
  nameGap: 26,
  nameTextStyle: { color: TONES.muted.light, fontSize: 13 },
  axisLine: { show: true, lineStyle: { color: TONES.muted.light } },
  axisTick: { show: false },
  axisLabel: { color: TONES.muted.light, fontSize: 13, hideOverlap: true },
  splitLine: { show: true, lineStyle: { color: TONES.line.light } },
});

/** A grid with room for all labels of its axes. */
export const gridPart = (top: number, right = 20) => ({
  left: 12,
  right,
  top,
  bottom: 12,
  outerBoundsMode: "same" as const,
  outerBoundsContain: "all" as const,
});

const KEY = { mark: 14, gap: 5, between: 16, row: 22, size: 12 };

/** Names in rows of a width; a name that is wider than a row has one of its own, in lines. */
function rowsOfNames(names: readonly string[], width: number): string[][] {
  const rows: string[][] = [];
  let used = 0;
  for (const name of names) {
    const own = KEY.mark + KEY.gap + textWidth(name, KEY.size) + KEY.between;
    if (rows.length === 0 || used + own > width) {
      rows.push([]);
      used = 0;
    }
    rows[rows.length - 1]?.push(name);
    used += own;
  }
  return rows;
}

/**
 * A legend for each row of experiment names, from `top` (pixels) down, and their height in pixels.
 * @param colorOf color of the name at that place
 * @param iconOf mark before the name; default: a short line
 */
export function legendPart(
  names: readonly string[],
  width: number,
  top: number,
  colorOf: (index: number) => string,
  iconOf?: (index: number) => string,
) {
  const lineOf = (name: string) => wrapped(name, width - 60, KEY.size).join("\n");
  let height = 0;
  const legends = rowsOfNames(names, width - 24).map((row) => {
    const at = top + height;
    const lines = Math.max(...row.map((name) => lineOf(name).split("\n").length));
    height += KEY.row + (lines - 1) * KEY.size * LINE;
    return {
      left: 4,
      top: at,
      padding: [2, 4],
      formatter: lineOf,
      itemWidth: KEY.mark,
      itemHeight: iconOf ? 10 : 4,
      itemGap: KEY.between,
      textStyle: { color: TONES.muted.light, fontSize: KEY.size, lineHeight: KEY.size * LINE },
      data: row.map((name) => ({
        name,
        icon: iconOf?.(names.indexOf(name)) ?? "roundRect",
        itemStyle: { color: colorOf(names.indexOf(name)) },
      })),
    };
  });
  return { legends, height: Math.ceil(height) };
}
