import { basename } from "node:path";
import { draw, type Series } from "../report/plots/draw.js";
import { axisPart, headingPart, legendPart } from "../report/plots/plotParts.js";
import { seriesColor, TONES } from "../report/plots/theme.js";
import { groupRuns, weightsOf } from "../report/runs/grouping.js";
import { experimentLabels } from "../report/runs/labels.js";
import type { RunRecord } from "../report/runs/runRecord.js";
import { mean } from "../report/runs/statistics.js";
import { summarize } from "../report/runs/summarize.js";
import type { Finding } from "./analyze.js";
import { type About, MEASURES, type Measure } from "./measures.js";
import { projectorCount } from "./present.js";

interface Axis {
  readonly name: string;
  readonly findings: readonly Finding[];
  readonly placeOf: (finding: Finding) => number;
  /** Findings of one family differ in what the axis counts and in their seed only; undefined: nothing is joined. */
  readonly familyOf?: (finding: Finding) => string;
  /** Labels of a categorical axis. */
  readonly key: readonly string[];
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

const runsOf = (findings: readonly Finding[]): RunRecord[] =>
  distinct(findings.flatMap(({ subject }) => subject.run ?? []));

function namesOf(runs: readonly RunRecord[]): ReadonlyMap<RunRecord, string> {
  const summaries = summarize(runs);
  const labels = experimentLabels(summaries);
  return new Map(
    summaries.flatMap((summary, at) => summary.runs.map((run) => [run, `${labels[at]}, trial ${run.trial}`] as const)),
  );
}

function inOrder(name: string, findings: readonly Finding[]): Axis {
  const names = namesOf(runsOf(findings));
  const nameOf = ({ subject }: Finding) => (subject.run && names.get(subject.run)) ?? basename(subject.checkpoint);
  const placeOf = (finding: Finding) => findings.indexOf(finding) + 1;
  return { name, findings, placeOf, key: findings.map(nameOf) };
}

/** Each run's family: pair, method, weights and settings, but for the number of projectors. */
function familiesOf(runs: readonly RunRecord[]): ReadonlyMap<RunRecord | undefined, string> {
  return new Map(
    groupRuns(runs).flatMap(({ runs: own, settings: { num_proj: _, ...settings } }) =>
      own.map((run) => {
        const line = [run.teacher, run.model, run.method, weightsOf(run)];
        return [run, JSON.stringify([...line, Object.entries(settings).sort()])] as const;
      }),
    ),
  );
}

/** By number of projectors where all runs have one and it varies, else in the table's order. */
function axisOfRuns(findings: readonly Finding[]): Axis {
  const counts = distinct(findings.map(projectorCount));
  const isAblation = counts.length > 1 && !counts.includes(undefined);
  if (!isAblation) return inOrder("run", findings);
  const families = familiesOf(runsOf(findings));
  return {
    name: "number of projectors",
    findings,
    key: [],
    placeOf: (finding) => projectorCount(finding) as number,
    familyOf: ({ subject }) => families.get(subject.run) ?? "",
  };
}

const isLast = ({ subject }: Finding) => /_last\.\w+$/.test(subject.checkpoint);

/** One run is drawn over its epochs, several by their last weights, single files in their order. */
function chooseAxis(findings: readonly Finding[]): Axis {
  if (findings[0]?.subject.run === undefined) return inOrder("checkpoint", findings);
  if (distinct(findings.map(({ subject }) => subject.run?.dir)).length > 1) {
    return axisOfRuns(findings.filter(isLast));
  }
  const known = findings.filter(({ epoch }) => epoch !== undefined);
  return { name: "epoch", findings: known, key: [], placeOf: ({ epoch }) => epoch as number, familyOf: () => "" };
}

/** The names of an axis's families: what distinguishes them, without their numbers of projectors and seeds. */
function familyNames({ findings, familyOf }: Axis): { family: string; name: string }[] {
  if (familyOf === undefined) return [];
  const families = distinct(findings.map(familyOf));
  const firsts = families.map((family) => findings.find((one) => familyOf(one) === family));
  const runs = firsts.flatMap((finding) => {
    const run = finding?.subject.run;
    if (run === undefined) return [];
    const { num_proj: _, ...config } = run.config;
    return [{ ...run, config }];
  });
  const summaries = summarize(runs);
  const labels = experimentLabels(summaries);
  return families.map((family, at) => {
    const dir = firsts[at]?.subject.run?.dir;
    const place = summaries.findIndex((summary) => summary.runs.some((run) => run.dir === dir));
    return { family, name: labels[place] ?? "" };
  });
}

const ABOUT: readonly (readonly [about: About, label: string])[] = [
  ["student", "student"],
  ["teacher", "teacher"],
  ["projected", "projected"],
  ["both", "both combined"],
];

const PANEL = { width: 372, height: 250 };
const ACROSS = 3;
const WIDTH = ACROSS * PANEL.width;

const SYMBOLS = ["circle", "rect", "triangle", "diamond", "pin", "arrow"];

const placesOf = ({ findings, placeOf }: Axis): number[] => distinct(findings.map(placeOf)).sort((a, b) => a - b);

/** Epochs lie on a line of numbers; whatever else is counted stands side by side. */
const isNumeric = (axis: Axis) => axis.name === "epoch" && placesOf(axis).length > 1;

const ruler = (axis: Axis) =>
  isNumeric(axis)
    ? { type: "value" as const, min: 0, max: "dataMax", minInterval: 1 }
    : { type: "category" as const, data: placesOf(axis).map(String) };

const colorOf = (about: About) => seriesColor(ABOUT.findIndex(([name]) => name === about));

type Point = readonly [x: number, y: number];

function meanLine(points: readonly Point[]): Point[] {
  const places = distinct(points.map(([x]) => x)).sort((a, b) => a - b);
  const at = (x: number) => mean(points.filter(([place]) => place === x).map(([, y]) => y));
  return places.map((x) => [x, at(x)]);
}

function measureSeries({ key, about }: Measure, axis: Axis, families: readonly string[], panel: number): Series[] {
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
    type: "scatter",
    symbol,
    symbolSize: 6,
    ...shared,
    data: points.map((point) => [...point]),
  });
  const line = (points: readonly Point[]): Series => ({
    type: "line",
    showSymbol: false,
    lineStyle: { color, width: 2 },
    ...shared,
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
  const series = shown.map((name, at): Series => ({ type: "scatter", name, symbol: symbolOf(at), data: [] }));
  return { ...key, series, families: named.map(({ family }) => family) };
}

const left = (panel: number) => (panel % ACROSS) * PANEL.width;

/** Draws all measures as SVG text, a plot per kind: over epochs, numbers of projectors, or in order of checkpoints. */
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
  const size = { width: WIDTH, height: head + Math.ceil(panels.length / ACROSS) * PANEL.height };
  return draw("analysis", title, size, {
    title: [
      heading.title,
      ...panels.map((text, i) => ({
        text,
        left: left(i) + 8,
        top: top(i),
        textStyle: { fontSize: 13, color: TONES.ink.light },
      })),
    ],
    legend: [...abouts.legends, ...key.legends],
    grid: panels.map((_, i) => ({
      left: left(i) + 12,
      top: top(i) + 32,
      width: PANEL.width - 36,
      height: PANEL.height - 44,
      outerBoundsMode: "same" as const,
      outerBoundsContain: "all" as const,
    })),
    xAxis: panels.map((_, i) => ({ ...ruler(axis), gridIndex: i, ...axisPart(axis.name), splitLine: { show: false } })),
    yAxis: panels.map((_, i) => ({ type: "value" as const, gridIndex: i, scale: true, ...axisPart() })),
    series: [
      ...MEASURES.flatMap((measure) => measureSeries(measure, axis, key.families, panels.indexOf(measure.panel))),
      ...key.series,
    ],
  }).svg;
}
