import type { Drawing } from "../plots/draw.js";
import { chip, escapeHtml } from "../plots/html.js";
import type { Plot } from "../plots/plotParts.js";
import { jsonScript } from "./pageScripts.js";

const drawing = ({ svg, hover }: Drawing, look = "") =>
  `<div class="drawing${look}">${svg}${hover === undefined ? "" : jsonScript("", hover)}</div>`;

/** A plot; one that cannot be scaled to a phone has a narrow version, of which the page shows either. */
function figure(plot: Plot): string {
  const { narrow } = plot;
  if (narrow === undefined) return `<figure>${drawing(plot)}</figure>`;
  return `<figure>${drawing(plot, " broad")}${drawing(narrow, " narrow")}</figure>`;
}

/** A grid of the plots of a kind, or nothing. */
function grid(plots: readonly Plot[], kind: Plot["kind"], look = "plots"): string {
  const figures = plots.filter((plot) => plot.kind === kind).map(figure);
  return figures.length === 0 ? "" : `<div class="${look}">\n${figures.join("\n")}\n</div>`;
}

const section = (id: string, title: string, ...parts: readonly string[]) =>
  `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${parts.filter((part) => part !== "").join("\n")}
</section>`;

/** Every plot of a report and a note on its curves: what came out, how it came about, and the terms of the losses where runs log them. */
export function figures(plots: readonly Plot[], labels: readonly string[], note: string): string {
  const items = labels.map((label, index) => `<li>${chip(index)}${escapeHtml(label)}</li>`);
  const key = `<ul class="legend">${items.join("")}</ul>`;
  const outcomes = [
    ...[grid(plots, "final", "full"), grid(plots, "cost", "full")],
    grid(plots, "ablation"),
  ];
  const [curves, terms] = [grid(plots, "curve"), grid(plots, "term")];
  const about = `<p class="muted">Thin: each run. Thick: their mean. Band: one sample standard deviation. ${escapeHtml(note)}</p>`;
  const termsAbout =
    '<p class="muted">Each term of the loss over the training images, before it is weighted.</p>';
  return [
    ...(outcomes.some((part) => part !== "") ? [section("outcome", "Accuracy", ...outcomes)] : []),
    section("curves", "Learning curves", about, key, curves),
    ...(terms === "" ? [] : [section("terms", "Terms of the loss", termsAbout, key, terms)]),
  ].join("\n");
}
