import { draw, type Series } from "../report/draw.js";
import { axisPart, legendPart, titlePart } from "../report/plotParts.js";
import { mean } from "../report/statistics.js";
import { seriesColor, TONES } from "../report/theme.js";
import type { Finding } from "./analyze.js";
import { type About, MEASURES, type Measure } from "./measures.js";
import { projectorCount } from "./present.js";

const ABOUT: readonly (readonly [about: About, label: string])[] = [
  ["student", "student"],
  ["teacher", "teacher"],
  ["projected", "student through its projectors"],
  ["both", "student and teacher"],
];

const PANEL = { width: 372, height: 250 };
const ACROSS = 3;
const TOP = 70;

/** What the horizontal axis counts, and each finding's place on it. */
interface Axis {
  readonly name: string;
  readonly findings: readonly Finding[];
  readonly at: (finding: Finding) => number;
}

const runsOf = (findings: readonly Finding[]) =>
  new Set(findings.map(({ subject }) => subject.run?.dir));

const isLast = ({ subject }: Finding) => /_last\.\w+$/.test(subject.checkpoint);

/** One run is drawn over its epochs, several by their number of projectors when trained, single files in their order. */
function chooseAxis(findings: readonly Finding[]): Axis {
  const [first] = findings;
  if (first?.subject.run === undefined) {
    return { name: "checkpoint", findings, at: (finding) => findings.indexOf(finding) + 1 };
  }
  if (runsOf(findings).size > 1) {
    return { name: "number of projectors", findings: findings.filter(isLast), at: projectorCount };
  }
  const known = findings.filter(({ epoch }) => epoch !== undefined);
  return { name: "epoch", findings: known, at: ({ epoch }) => epoch as number };
}

const colorOf = (about: About) => seriesColor(ABOUT.findIndex(([name]) => name === about));

/** A dot per checkpoint and a line through the means of those at one place. */
function measureSeries({ key, about }: Measure, axis: Axis, panel: number): Series[] {
  const values = new Map<number, number[]>();
  for (const finding of axis.findings) {
    const value = finding.measures[key];
    const at = axis.at(finding);
    if (typeof value === "number") values.set(at, [...(values.get(at) ?? []), value]);
  }
  const places = [...values].sort(([a], [b]) => a - b);
  const color = colorOf(about);
  const shared = { silent: true, xAxisIndex: panel, yAxisIndex: panel, itemStyle: { color } };
  const name = ABOUT.find(([one]) => one === about)?.[1] ?? "";
  return [
    {
      ...{ type: "line", name, showSymbol: false, lineStyle: { color, width: 2 }, ...shared },
      data: places.map(([at, all]) => [at, mean(all)]),
    },
    {
      ...{ type: "scatter", name, symbolSize: 6, ...shared },
      data: places.flatMap(([at, all]) => all.map((value) => [at, value])),
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
      ...{ type: "value" as const, gridIndex: i, min: "dataMin", max: "dataMax", minInterval: 1 },
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
