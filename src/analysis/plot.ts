import { draw, type Series } from "../report/plots/draw.js";
import { axisPart, legendPart, titlePart } from "../report/plots/plotParts.js";
import { seriesColor, TONES } from "../report/plots/theme.js";
import { mean } from "../report/runs/statistics.js";
import type { Finding } from "./analyze.js";
import { type About, MEASURES, type Measure } from "./measures.js";
import { projectorCount } from "./present.js";

const ABOUT: readonly (readonly [about: About, label: string])[] = [
  ["student", "student"],
  ["teacher", "teacher"],
  ["projected", "projected"],
  ["both", "both together"],
];

const PANEL = { width: 372, height: 250 };
const ACROSS = 3;
const TOP = 70;

/** What the horizontal axis counts, and each finding's place on it. */
interface Axis {
  readonly name: string;
  readonly findings: readonly Finding[];
  readonly placeOf: (finding: Finding) => number;
}

const isLast = ({ subject }: Finding) => /_last\.\w+$/.test(subject.checkpoint);

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

const placesOf = ({ findings, placeOf }: Axis): number[] =>
  distinct(findings.map(placeOf)).sort((a, b) => a - b);

const inOrder = (name: string, findings: readonly Finding[]): Axis => ({
  name,
  findings,
  placeOf: (finding) => findings.indexOf(finding) + 1,
});

/** By number of projectors where all runs have one and it varies, else in the table's order. */
function axisOfRuns(findings: readonly Finding[]): Axis {
  const counts = distinct(findings.map(projectorCount));
  const isAblation = counts.length > 1 && !counts.includes(undefined);
  if (!isAblation) return inOrder("run", findings);
  const placeOf = (finding: Finding) => projectorCount(finding) as number;
  return { name: "number of projectors", findings, placeOf };
}

/** One run is drawn over its epochs, several by their last weights, single files in their order. */
function chooseAxis(findings: readonly Finding[]): Axis {
  if (findings[0]?.subject.run === undefined) return inOrder("checkpoint", findings);
  if (distinct(findings.map(({ subject }) => subject.run?.dir)).length > 1) {
    return axisOfRuns(findings.filter(isLast));
  }
  const known = findings.filter(({ epoch }) => epoch !== undefined);
  return { name: "epoch", findings: known, placeOf: ({ epoch }) => epoch as number };
}

/** Epochs lie on a line of numbers; whatever else is counted stands side by side. */
const isNumeric = (axis: Axis) => axis.name === "epoch" && placesOf(axis).length > 1;

const ruler = (axis: Axis) =>
  isNumeric(axis)
    ? { type: "value" as const, min: 0, max: "dataMax", minInterval: 1 }
    : { type: "category" as const, data: placesOf(axis).map(String) };

const colorOf = (about: About) => seriesColor(ABOUT.findIndex(([name]) => name === about));

/** A dot per checkpoint and a line through the means of those at one place. */
function measureSeries({ key, about }: Measure, axis: Axis, panel: number): Series[] {
  const places = placesOf(axis);
  const points = axis.findings.flatMap((finding) => {
    const value = finding.measures[key];
    const place = axis.placeOf(finding);
    const x = isNumeric(axis) ? place : places.indexOf(place);
    return typeof value === "number" ? [[x, value] as const] : [];
  });
  const line = distinct(points.map(([x]) => x)).sort((a, b) => a - b);
  const meanAt = (x: number) => mean(points.filter(([at]) => at === x).map(([, value]) => value));
  const color = colorOf(about);
  const shared = { silent: true, xAxisIndex: panel, yAxisIndex: panel, itemStyle: { color } };
  const name = ABOUT.find(([one]) => one === about)?.[1] ?? "";
  return [
    {
      ...{ type: "line", name, showSymbol: false, lineStyle: { color, width: 2 }, ...shared },
      data: line.map((x) => [x, meanAt(x)]),
    },
    {
      ...{ type: "scatter", name, symbolSize: 6, ...shared },
      data: points.map((point) => [...point]),
    },
  ];
}

const left = (panel: number) => (panel % ACROSS) * PANEL.width;
const top = (panel: number) => TOP + Math.floor(panel / ACROSS) * PANEL.height;

/**
 * Draws all measures, one small plot per kind: over the epochs of one run, over the number of projectors of several
 * runs (their last weights), or in the order of single checkpoints.
 * @returns SVG text
 */
export function analysisPlot(findings: readonly Finding[]): string {
  const axis = chooseAxis(findings);
  const panels = [...new Set(MEASURES.map(({ panel }) => panel))];
  const labels = ABOUT.map(([, label]) => label);
  const size = {
    width: ACROSS * PANEL.width,
    height: TOP + Math.ceil(panels.length / ACROSS) * PANEL.height,
  };
  const title = `Student and teacher features by ${axis.name}`;
  return draw("analysis", title, size, {
    title: [
      titlePart(title),
      ...panels.map((text, i) => ({
        ...{ text, left: left(i) + 8, top: top(i) },
        textStyle: { fontSize: 13, color: TONES.ink.light },
      })),
    ],
    legend: legendPart(labels),
    grid: panels.map((_, i) => ({
      ...{ left: left(i) + 52, top: top(i) + 32 },
      ...{ width: PANEL.width - 76, height: PANEL.height - 84 },
    })),
    xAxis: panels.map((_, i) => ({
      ...{ ...ruler(axis), gridIndex: i },
      ...{ nameLocation: "middle" as const, nameGap: 26, ...axisPart(axis.name) },
      splitLine: { show: false },
    })),
    yAxis: panels.map((_, i) => ({
      ...{ type: "value" as const, gridIndex: i, scale: true, ...axisPart() },
    })),
    series: MEASURES.flatMap((measure) =>
      measureSeries(measure, axis, panels.indexOf(measure.panel)),
    ),
  });
}
