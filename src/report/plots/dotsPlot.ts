import { bestOf } from "../runs/runRecord.js";
import type { Summary } from "../runs/summarize.js";
import { draw, type Series } from "./draw.js";
import { axisPart, type Plot, titlePart } from "./plotParts.js";
import { seriesColor, TONES } from "./theme.js";
import { whiskerSeries } from "./whisker.js";

const WIDTH = 1140;
const ROW = 56;

const EXPLANATION =
  "Filled: last epoch, one dot per seed. Bar: their mean ± sample deviation. Hollow: best epoch.";

/** Dots of one look at (value, row); above or below the row's middle so that they do not hide each other. */
function dots(
  points: readonly (readonly [value: number, row: number])[],
  look: { filled: boolean; offset: number; symbol?: string; color?: string },
): Series {
  return {
    type: "scatter",
    silent: true,
    symbol: look.symbol ?? "circle",
    symbolSize: 9,
    symbolOffset: [0, look.offset],
    z: 4,
    data: points.map(([value, row]) => {
      const color = look.color ?? seriesColor(row);
      const fill = look.filled ? color : TONES.surface.light;
      return {
        value: [value, row],
        itemStyle: { color: fill, borderColor: color, borderWidth: 1.5 },
      };
    }),
  };
}

function valuesOf(
  summaries: readonly Summary[],
  value: (run: Summary["runs"][number]) => number | undefined,
) {
  return summaries.flatMap(({ runs }, row) =>
    runs
      .filter((run) => run.finished)
      .flatMap((run) => {
        const found = value(run);
        return found === undefined ? [] : [[found, row] as const];
      }),
  );
}

/** Draws the accuracies of all finished runs, one row per experiment, the published figure beside them. */
export function dotsPlot(summaries: readonly Summary[], labels: readonly string[]): Plot {
  const last = valuesOf(summaries, (run) => run.rows.at(-1)?.test.top1);
  const best = valuesOf(summaries, (run) => bestOf(run)?.top1);
  const published = summaries.flatMap((summary, row) =>
    summary.published === undefined ? [] : [[summary.published.top1, row] as const],
  );
  const means = summaries.flatMap(({ last: spread }, at) =>
    spread === undefined ? [] : [{ at, spread, color: seriesColor(at) }],
  );
  const title = "Final test top-1 (%)";
  const size = { width: WIDTH, height: 108 + ROW * summaries.length };
  const look = { symbol: "diamond", color: TONES.ink.light, filled: false, offset: 0 };
  const svg = draw("final_top1", "Final test accuracy of every run", size, {
    title: titlePart(title, EXPLANATION + (published.length > 0 ? " ◇: published." : "")),
    grid: { left: 16, right: 32, top: 68, bottom: 16, outerBoundsMode: "same" },
    xAxis: { type: "value", scale: true, ...axisPart() },
    yAxis: {
      type: "category",
      inverse: true,
      data: [...labels],
      ...axisPart(),
      axisLabel: { color: TONES.ink.light, fontSize: 13, width: 320, overflow: "break" },
    },
    series: [
      dots(last, { filled: true, offset: -9 }),
      dots(best, { filled: false, offset: 9 }),
      whiskerSeries(means, "x"),
      dots(published, look),
    ],
  });
  return { kind: "final", name: "final_top1", title, svg };
}
