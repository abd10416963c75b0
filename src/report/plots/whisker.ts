import type { Spread } from "../runs/statistics.js";
import type { Series } from "./draw.js";

/** Where a mean stands on the axes: across (the experiment's place) and along (the value). */
export interface WhiskerPlace {
  readonly at: number;
  readonly spread: Spread;
  readonly color: string;
}

type XY = [number, number];

/** The strokes of a whisker in pixels: the mean across, and one deviation to both sides where it is known. */
function strokes(center: XY, low: XY | undefined, high: XY | undefined, cross: XY): [XY, XY][] {
  const around = ([x, y]: XY, size: number): [XY, XY] => [
    [x - cross[0] * size, y - cross[1] * size],
    [x + cross[0] * size, y + cross[1] * size],
  ];
  const middle = around(center, 15);
  return low && high ? [middle, [low, high], around(low, 5), around(high, 5)] : [middle];
}

/**
 * Means as bars with whiskers of one sample deviation.
 * @param direction "x" where values run to the right, "y" where they run up
 */
export function whiskerSeries(places: readonly WhiskerPlace[], direction: "x" | "y"): Series {
  const point = (at: number, value: number) => (direction === "x" ? [value, at] : [at, value]);
  const cross: XY = direction === "x" ? [0, 1] : [1, 0];
  return {
    type: "custom",
    silent: true,
    z: 2,
    // The axes make room for the ends of the whiskers, too.
    encode: direction === "x" ? { x: [0, 2, 3], y: 1 } : { x: 0, y: [1, 2, 3] },
    data: places.map(({ at, spread: { mean, std = 0 } }) => [
      ...point(at, mean),
      ...[mean - std, mean + std],
    ]),
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
