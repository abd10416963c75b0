import { draw, type Series } from "../report/plots/draw.js";
import { axisPart, headingPart, legendPart } from "../report/plots/plotParts.js";
import { seriesColor, TONES } from "../report/plots/theme.js";
import { mean } from "../report/runs/statistics.js";
import type { Finding } from "./analyze.js";
import { type About, MEASURES, type Measure } from "./measures.js";
import { type Axis, chooseAxis, distinct, familyNames } from "./plotAxis.js";

const ABOUT: readonly (readonly [about: About, label: string])[] = [
  ["student", "student"],
  ["teacher", "teacher"],
  ["projected", "projected"],
  ["both", "both together"],
];

const PANEL = { width: 372, height: 250 };
const ACROSS = 3;
const WIDTH = ACROSS * PANEL.width;

/** Dots of families that are not related. */
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "pin", "arrow"];

const placesOf = ({ findings, placeOf }: Axis): number[] =>
  distinct(findings.map(placeOf)).sort((a, b) => a - b);

/** Epochs lie on a line of numbers; whatever else is counted stands side by side. */
const isNumeric = (axis: Axis) => axis.name === "epoch" && placesOf(axis).length > 1;

const ruler = (axis: Axis) =>
  isNumeric(axis)
    ? { type: "value" as const, min: 0, max: "dataMax", minInterval: 1 }
    : { type: "category" as const, data: placesOf(axis).map(String) };

const colorOf = (about: About) => seriesColor(ABOUT.findIndex(([name]) => name === about));

type Point = readonly [x: number, y: number];

/** A line through the means of the points at each place. */
function meanLine(points: readonly Point[]): Point[] {
  const places = distinct(points.map(([x]) => x)).sort((a, b) => a - b);
  const at = (x: number) => mean(points.filter(([place]) => place === x).map(([, y]) => y));
  return places.map((x) => [x, at(x)]);
}

/** A dot per checkpoint, and a line through those that are related. */
function measureSeries(
  { key, about }: Measure,
  axis: Axis,
  families: readonly string[],
  panel: number,
): Series[] {
  const places = placesOf(axis);
  const pointsOf = (findings: readonly Finding[]) =>
    findings.flatMap((finding): Point[] => {
      const value = finding.measures[key];
      const place = axis.placeOf(finding);
      const x = isNumeric(axis) ? place : places.indexOf(place);
      return typeof value === "number" ? [[x, value]] : [];
    });
  const color = colorOf(about);
  const name = ABOUT.find(([one]) => one === about)?.[1] ?? "";
  const shared = { name, silent: true, xAxisIndex: panel, yAxisIndex: panel, itemStyle: { color } };
  const dots = (points: readonly Point[], symbol = "circle"): Series => ({
    ...{ type: "scatter", symbol, symbolSize: 6, ...shared },
    data: points.map((point) => [...point]),
  });
  const line = (points: readonly Point[]): Series => ({
    ...{ type: "line", showSymbol: false, lineStyle: { color, width: 2 }, ...shared },
    data: meanLine(points).map((point) => [...point]),
  });
  if (axis.familyOf === undefined) return [dots(pointsOf(axis.findings))];
  return families.flatMap((family, at) => {
    const points = pointsOf(axis.findings.filter((one) => axis.familyOf?.(one) === family));
    return [line(points), dots(points, SYMBOLS[at % SYMBOLS.length])];
  });
}

/** The key of the families, where there are several: a symbol each, which a series without points stands for. */
function familyKey(axis: Axis, top: number) {
  const named = familyNames(axis);
  const names = distinct(named.map(({ name }) => name));
  const shown = names.length > 1 ? names : [];
  const symbolOf = (at: number) => SYMBOLS[at % SYMBOLS.length] ?? "circle";
  const key = legendPart(shown, WIDTH, top, () => TONES.muted.light, symbolOf);
  const series = shown.map(
    (name, at): Series => ({
      ...{ type: "scatter", name, symbol: symbolOf(at), data: [] },
    }),
  );
  return { ...key, series, families: named.map(({ family }) => family) };
}

const left = (panel: number) => (panel % ACROSS) * PANEL.width;

/**
 * Draws all measures, one small plot per kind: over the epochs of one run, over the number of projectors of several
 * runs (their last weights), or in the order of single checkpoints. Lines join what differs in nothing else.
 * @returns SVG text
 */
export function analysisPlot(findings: readonly Finding[]): string {
  const axis = chooseAxis(findings);
  const panels = distinct(MEASURES.map(({ panel }) => panel));
  const labels = ABOUT.map(([, label]) => label);
  const title = `Student and teacher features by ${axis.name}`;
  const stands = axis.key.map((name, at) => `${at + 1}: ${name}`).join("; ");
  const heading = headingPart(title, stands, WIDTH);
  const abouts = legendPart(labels, WIDTH, heading.height - 8, (at) => seriesColor(at));
  const key = familyKey(axis, heading.height - 8 + abouts.height);
  const head = heading.height + abouts.height + key.height;
  const top = (panel: number) => head + Math.floor(panel / ACROSS) * PANEL.height;
  const size = {
    width: WIDTH,
    height: head + Math.ceil(panels.length / ACROSS) * PANEL.height,
  };
  return draw("analysis", title, size, {
    title: [
      heading.title,
      ...panels.map((text, i) => ({
        ...{ text, left: left(i) + 8, top: top(i) },
        textStyle: { fontSize: 13, color: TONES.ink.light },
      })),
    ],
    legend: [...abouts.legends, ...key.legends],
    grid: panels.map((_, i) => ({
      ...{ left: left(i) + 12, top: top(i) + 32 },
      ...{ width: PANEL.width - 36, height: PANEL.height - 44 },
      ...{ outerBoundsMode: "same" as const, outerBoundsContain: "all" as const },
    })),
    xAxis: panels.map((_, i) => ({
      ...{ ...ruler(axis), gridIndex: i, ...axisPart(axis.name) },
      splitLine: { show: false },
    })),
    yAxis: panels.map((_, i) => ({
      ...{ type: "value" as const, gridIndex: i, scale: true, ...axisPart() },
    })),
    series: [
      ...MEASURES.flatMap((measure) =>
        measureSeries(measure, axis, key.families, panels.indexOf(measure.panel)),
      ),
      ...key.series,
    ],
  }).svg;
}
