import {
  CustomChart,
  type CustomSeriesOption,
  LineChart,
  type LineSeriesOption,
  ScatterChart,
  type ScatterSeriesOption,
} from "echarts/charts";
import {
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  TitleComponent,
  type TitleComponentOption,
} from "echarts/components";
import { type ComposeOption, init, setPlatformAPI, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { cleanText } from "../../common/text.js";
import type { Hover, ToPixel } from "./hover.js";
import { textWidth } from "./textWidth.js";
import { darkRules, escapeHtml, inked, TONES } from "./theme.js";

use([LineChart, ScatterChart, CustomChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** echarts lays out by widths that no reader's font exceeds, so that no label is cut. */
setPlatformAPI({
  measureText: (text, font = "12px") => {
    const size = Number(/([\d.]+)px/.exec(font)?.[1] ?? 12);
    return { width: textWidth(text, size, /bold|[6-9]00/.test(font)) };
  },
});

export type PlotOption = ComposeOption<
  | LineSeriesOption
  | ScatterSeriesOption
  | CustomSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | TitleComponentOption
>;
export type Series = LineSeriesOption | ScatterSeriesOption | CustomSeriesOption;

/** Size of a plot in pixels; it is scaled to the width available. */
export type PlotSize = { readonly width: number; readonly height: number };

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";

/** Takes out what serves only a page that runs echarts: styles for the mouse, and its own marks. */
const still = (svg: string) =>
  svg
    .replace(/<style[\s\S]*?<\/style>/g, "")
    .replace(/ (?:class="zr\d+-cls-\d+"|pointer-events="visible"|ecmeta_\w+="[^"]*")/g, "");

export type Drawing = { readonly svg: string; readonly hover?: Hover };

/**
 * Draws a plot as SVG text: no script, nothing external; light or dark.
 * @param name unique in a page, letters and digits: part of the drawing's ids
 * @param title for screen readers
 * @param hoverOf tooltips of the plot's points, given the mapping from axes to pixels
 * @param strokesOf SVG drawn over the axes, in final colors: thousands of curves would take ECharts a minute
 */
export function draw(
  name: string,
  title: string,
  size: PlotSize,
  option: PlotOption,
  hoverOf?: (toPixel: ToPixel) => Hover,
  strokesOf: (toPixel: ToPixel) => string = () => "",
): Drawing {
  const chart = init(null, null, { renderer: "svg", ssr: true, ...size });
  chart.setOption({
    animation: false,
    backgroundColor: TONES.surface.light,
    textStyle: { fontFamily: FONT, color: TONES.ink.light },
    ...option,
  });
  // Labels come from the files of runs; what XML cannot hold is escaped in the finished drawing.
  const svg = still(cleanText(chart.renderToSVGString()));
  const finder = { xAxisIndex: 0, yAxisIndex: 0 };
  const toPixel: ToPixel = (x, y) => chart.convertToPixel(finder, [x, y]) as [number, number];
  const [hover, strokes] = [hoverOf?.(toPixel), strokesOf(toPixel)];
  chart.dispose();
  const head = `<svg role="img" aria-label="${escapeHtml(title)}" style="max-width:100%;height:auto" `;
  const whole = inked(svg)
    .replace(/zr\d+-/g, `${name}-`)
    .replace("<svg ", () => head)
    .replace(/<svg[^>]*>/, (start) => `${start}<style>${darkRules()}</style>`)
    .replace(/<\/svg>\s*$/, (end) => strokes + end);
  return { svg: whole, ...(hover && { hover }) };
}
