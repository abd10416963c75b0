/** A point with a tooltip: pixels of the drawing, its experiment or run (e3, r12), and the text. */
export type HoverPoint = readonly [x: number, y: number, of: string, text: string];

/** A line of a plot: its experiment or run, and its value at each place, null where it has none. */
export interface HoverCurve {
  readonly of: string;
  readonly values: readonly (number | null)[];
  /** One sample deviation at each place. */
  readonly stds?: readonly (number | null)[];
}

/** Tooltip data of a plot: single points, or all curves at one x value. */
export type Hover =
  | { readonly by: "point"; readonly points: readonly HoverPoint[] }
  | {
      readonly by: "place";
      /** Pixels of the drawing from its left, and what each place is called. */
      readonly places: readonly (readonly [x: number, name: string])[];
      readonly curves: readonly HoverCurve[];
    };

/** From the axes' coordinates to pixels of the drawing. */
export type ToPixel = (x: number, y: number) => readonly [x: number, y: number];

const tenth = (value: number) => Math.round(value * 10) / 10;

/** A point at some coordinates. */
export function hoverPoint(toPixel: ToPixel, [x, y]: readonly [number, number], of: string, text: string): HoverPoint {
  const [left, top] = toPixel(x, y);
  return [tenth(left), tenth(top), of, text];
}

const told = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(5));

/** Tooltips of a curve over epochs; `places` of its plot by epoch, `stds` one sample deviation at each point. */
export function hoverCurve(
  of: string,
  places: ReadonlyMap<number, number>,
  points: readonly (readonly [epoch: number, value: number])[],
  stds?: readonly number[],
): HoverCurve {
  const blank = () => Array.from(places, (): number | null => null);
  const [values, deviations] = [blank(), stds && blank()];
  points.forEach(([epoch, value], at) => {
    const place = places.get(epoch);
    if (place === undefined) return;
    values[place] = told(value);
    if (deviations !== undefined) deviations[place] = told(stds?.[at]);
  });
  return { of, values, ...(deviations && { stds: deviations }) };
}

/** Curves over epochs, whose places are by epoch; `value` is any on the axis. */
export const hoverCurves = (
  toPixel: ToPixel,
  places: ReadonlyMap<number, number>,
  value: number,
  curves: readonly HoverCurve[],
): Hover => ({
  by: "place",
  places: [...places.keys()].map((epoch) => [tenth(toPixel(epoch, value)[0]), `epoch ${epoch}`]),
  curves,
});
