import type { Summary } from "../runs/summarize.js";
import { draw, type Series } from "./draw.js";
import { hoverCurves } from "./hover.js";
import { experimentInk, runInk } from "./ink.js";
import { type CurveSet, curveSet, type Quantity } from "./plotData.js";
import {
  areaSeries,
  axisPart,
  gridPart,
  headingPart,
  legendPart,
  type Plot,
  type PlotStyle,
} from "./plotParts.js";

/** Of the axes; headings and keys stand above them. A phone shows it without making letters illegible. */
const WIDTH = 460;
const HEIGHT = 270;

function lineSeries(
  name: string,
  data: readonly (readonly [number, number])[],
  color: string,
  thick: boolean,
): Series {
  return {
    type: "line",
    name,
    data: data.map((point) => [...point]),
    // A curve of one epoch would be invisible without its point.
    showSymbol: data.length === 1,
    silent: true,
    itemStyle: { color },
    lineStyle: thick ? { color, width: 2 } : { color, width: 1, opacity: 0.35 },
    z: thick ? 3 : 2,
  };
}

/** An experiment in a plot: what it is called, its place in the report and that of its first run. */
interface Member {
  readonly label: string;
  readonly index: number;
  readonly firstRun: number;
  readonly curves: CurveSet;
}

/** Each run thin, their mean thick, a band of one sample deviation around it. */
function experimentSeries({ label, index, firstRun, curves: { runs, mean } }: Member): Series[] {
  const color = experimentInk(index);
  const upper = mean.map(({ epoch, high }) => [epoch, high] as const);
  const lower = mean.map(({ epoch, low }) => [epoch, low] as const).reverse();
  const line = mean.map(({ epoch, mean: value }) => [epoch, value] as const);
  const isBand = runs.length > 1 && mean.length > 1;
  const thin = runs.map((run, at) => lineSeries(label, run, runInk(firstRun + at, index), false));
  return [
    ...(isBand ? [areaSeries(label, [...upper, ...lower], color)] : []),
    ...(runs.length > 1 ? thin : []),
    lineSeries(label, line, color, true),
  ];
}

/** The learning rate is the same in all runs: one line each, drawn as the steps it takes. */
const rateSeries = ({ label, index, curves }: Member): Series => ({
  ...(lineSeries(label, curves.runs[0] ?? [], experimentInk(index), true) as { type: "line" }),
  step: "end",
});

/** 0.01, 0.001, 1e-4: powers of ten come out of a logarithm as 0.0000999999. */
const powerOfTen = (value: number) =>
  value < 0.0005 ? value.toExponential(0) : String(Number(value.toPrecision(3)));

/** What is told of a member at each epoch: its mean and deviation, and each of several runs. */
function toldCurves({ index, firstRun, curves: { runs, mean } }: Member) {
  const own = {
    of: `e${index}`,
    values: new Map(mean.map((at) => [at.epoch, at.mean])),
    ...(runs.length > 1 && { stds: new Map(mean.map((at) => [at.epoch, at.high - at.mean])) }),
  };
  const single = runs.map((run, at) => ({ of: `r${firstRun + at}`, values: new Map(run) }));
  return runs.length > 1 ? [own, ...single] : [own];
}

/** The experiments that have values of a quantity. */
function membersOf(
  summaries: readonly Summary[],
  labels: readonly string[],
  quantity: Quantity,
): Member[] {
  let firstRun = 0;
  const all = summaries.map((summary, index): Member => {
    const curves = curveSet(summary, quantity);
    const member = { label: labels[index] ?? "", index, firstRun, curves };
    firstRun += summary.runs.length;
    return member;
  });
  return all.filter(({ curves }) => curves.runs.some((run) => run.length > 0));
}

/** Draws a quantity over epochs for all experiments that have it. */
export function curvePlot(
  summaries: readonly Summary[],
  labels: readonly string[],
  quantity: Quantity,
  style: PlotStyle,
): Plot {
  const { name, title, unit, logarithmic = false, kind = "curve" } = quantity;
  const members = membersOf(summaries, labels, quantity);
  const series = members.flatMap((member) =>
    logarithmic ? [rateSeries(member)] : experimentSeries(member),
  );
  const heading = headingPart(unit === "" ? title : `${title} (${unit})`, "", WIDTH);
  const names = members.map(({ label }) => label);
  const inkOf = (at: number) => experimentInk(members[at]?.index ?? 0);
  const key = legendPart(style.legend ? names : [], WIDTH, heading.height - 8, inkOf);
  const top = heading.height + key.height;
  const drawing = draw(
    name,
    `${title} over epochs`,
    { width: WIDTH, height: top + HEIGHT },
    {
      title: heading.title,
      legend: key.legends,
      grid: gridPart(top),
      xAxis: {
        ...{ type: "value", min: "dataMin", max: "dataMax", minInterval: 1 },
        ...axisPart("epoch"),
        splitLine: { show: false },
      },
      yAxis: logarithmic
        ? {
            type: "log",
            ...axisPart(),
            axisLabel: { ...axisPart().axisLabel, formatter: powerOfTen },
          }
        : { type: "value", scale: true, ...axisPart() },
      series,
    },
    (toPixel) => hoverCurves(toPixel, members.flatMap(toldCurves)),
  );
  return { kind, name, title, ...drawing };
}
