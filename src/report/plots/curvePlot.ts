import type { Summary } from "../runs/summarize.js";
import { draw, type Series } from "./draw.js";
import { type CurveSet, curveSet, type Quantity } from "./plotData.js";
import {
  areaSeries,
  axisPart,
  legendHeight,
  legendPart,
  type Plot,
  type PlotStyle,
  titlePart,
} from "./plotParts.js";
import { seriesColor } from "./theme.js";

const WIDTH = 560;
const HEIGHT = 320;

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

/** Each run thin, their mean thick, a band of one sample deviation around it. */
function experimentSeries(label: string, { runs, mean }: CurveSet, color: string): Series[] {
  const upper = mean.map(({ epoch, high }) => [epoch, high] as const);
  const lower = mean.map(({ epoch, low }) => [epoch, low] as const).reverse();
  const line = mean.map(({ epoch, mean: value }) => [epoch, value] as const);
  const isBand = runs.length > 1 && mean.length > 1;
  return [
    ...(isBand ? [areaSeries(label, [...upper, ...lower], color)] : []),
    ...(runs.length > 1 ? runs.map((run) => lineSeries(label, run, color, false)) : []),
    lineSeries(label, line, color, true),
  ];
}

/** The learning rate is the same in all runs: one line each, drawn as the steps it takes. */
const rateSeries = (label: string, { runs }: CurveSet, color: string): Series => ({
  ...(lineSeries(label, runs[0] ?? [], color, true) as { type: "line" }),
  step: "end",
});

/** 0.01, 0.001, 1e-4: powers of ten come out of a logarithm as 0.0000999999. */
const powerOfTen = (value: number) =>
  value < 0.0005 ? value.toExponential(0) : String(Number(value.toPrecision(3)));

/** Draws a quantity over epochs for all experiments. */
export function curvePlot(
  summaries: readonly Summary[],
  labels: readonly string[],
  quantity: Quantity,
  style: PlotStyle,
): Plot {
  const { name, title, unit, logarithmic } = quantity;
  const series = summaries.flatMap((summary, index) => {
    const make = logarithmic ? rateSeries : experimentSeries;
    return make(labels[index] ?? "", curveSet(summary, quantity), seriesColor(index));
  });
  const extra = style.legend ? legendHeight(labels, WIDTH) : 0;
  const heading = unit === "" ? title : `${title} (${unit})`;
  const svg = draw(
    name,
    `${title} over epochs`,
    { width: WIDTH, height: HEIGHT + extra },
    {
      title: titlePart(heading),
      legend: style.legend ? legendPart(labels) : { show: false },
      grid: { left: 56, right: 24, top: 48 + extra, bottom: 48 },
      xAxis: {
        type: "value",
        min: "dataMin",
        max: "dataMax",
        minInterval: 1,
        nameLocation: "middle",
        nameGap: 28,
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
  );
  return { kind: "curve", name, title, svg };
}
