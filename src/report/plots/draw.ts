import type { CustomSeriesOption, LineSeriesOption, ScatterSeriesOption } from "echarts/charts";
import { CustomChart, LineChart, ScatterChart } from "echarts/charts";
import type {
  GridComponentOption,
  LegendComponentOption,
  TitleComponentOption,
} from "echarts/components";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { type ComposeOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { cleanText } from "../../common/text/cleanText.js";
import { escapeHtml } from "./html.js";
import { darkRules, TONES } from "./theme.js";

use([
  LineChart,
  ScatterChart,
  CustomChart,
  GridComponent,
  LegendComponent,
  TitleComponent,
  SVGRenderer,
]);

/** A description of a plot, as echarts takes it. */
export type PlotOption = ComposeOption<
  | LineSeriesOption
  | ScatterSeriesOption
  | CustomSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | TitleComponentOption
>;
export type Series = LineSeriesOption | ScatterSeriesOption | CustomSeriesOption;

/** Size of a plot in pixels; it is drawn to scale in whatever width there is. */
export interface PlotSize {
  readonly width: number;
  readonly height: number;
}

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";

/** Takes out what serves only a page that runs echarts: styles for the mouse, and its own marks. */
const still = (svg: string) =>
  svg
    .replace(/<style[\s\S]*?<\/style>/g, "")
    .replace(/ (?:class="zr\d+-cls-\d+"|pointer-events="visible"|ecmeta_\w+="[^"]*")/g, "");

/**
 * Draws a plot as SVG text: no script, nothing from elsewhere; light, or dark where the reader prefers that.
 * @param name unique among the plots of a page, letters and digits: it goes into the ids of the drawing
 * @param title what a screen reader says
 */
export function draw(name: string, title: string, size: PlotSize, option: PlotOption): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, ...size });
  chart.setOption({
    animation: false,
    backgroundColor: TONES.surface.light,
    textStyle: { fontFamily: FONT, color: TONES.ink.light },
    ...option,
  });
  // Labels come from the files of runs; what XML cannot hold is escaped in the finished drawing.
  const svg = still(cleanText(chart.renderToSVGString()));
  chart.dispose();
  const head = `<svg role="img" aria-label="${escapeHtml(title)}" style="max-width:100%;height:auto" `;
  return svg
    .replace(/zr\d+-/g, `${name}-`)
    .replace("<svg ", () => head)
    .replace(/<svg[^>]*>/, (start) => `${start}<style>${darkRules()}</style>`);
}
