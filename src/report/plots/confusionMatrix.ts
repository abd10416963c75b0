import { columns, renderCsv } from "../table.js";
import { darkRules, escapeHtml, seriesColor, TONES } from "./theme.js";

export interface Confusion {
  /** [C * C], labels in rows, predictions in columns. */
  readonly counts: Float32Array;
  readonly names: readonly string[];
}

const rowOf = ({ counts, names }: Confusion, label: number): Float32Array =>
  counts.subarray(label * names.length, (label + 1) * names.length);

/** The counts as CSV: a row for each label, a column for each prediction, a newline at the end. */
export function confusionCsv(confusion: Confusion): string {
  const { names } = confusion;
  const rows = names.map((name, label) => [name, ...Array.from(rowOf(confusion, label), String)]);
  return `${renderCsv({ columns: columns("label", ...names), rows })}\n`;
}

const CELL = 9;
const FONT_SIZE = 7;
const MARGIN = 92;

function squares(confusion: Confusion, label: number): string[] {
  const { names } = confusion;
  const row = rowOf(confusion, label);
  const images = row.reduce((sum, count) => sum + count, 0);
  const square = (count: number, prediction: number): string => {
    if (count === 0) return "";
    const [x, y] = [MARGIN + prediction * CELL, MARGIN + label * CELL];
    const said = `${names[label]} taken for ${names[prediction]}: ${count} of ${images}`;
    const color = prediction === label ? seriesColor(0) : seriesColor(1);
    const opacity = Number(Math.sqrt(count / images).toFixed(3));
    return `<rect x="${x}" y="${y}" width="${CELL}" height="${CELL}" fill="${color}" fill-opacity="${opacity}"><title>${escapeHtml(said)}</title></rect>`;
  };
  return Array.from(row, square).filter((text) => text !== "");
}

function classLabels(name: string, position: number): string {
  const middle = MARGIN + (position + 0.5) * CELL;
  const text = escapeHtml(name);
  const base = FONT_SIZE / 3;
  return (
    `<text x="${MARGIN - 4}" y="${middle + base}" text-anchor="end">${text}</text>` +
    `<text transform="translate(${middle + base} ${MARGIN - 4}) rotate(-90)">${text}</text>`
  );
}

/** The confusion matrix as an SVG heat map, opacity by the square root of the share, so that rare mistakes show. */
export function confusionSvg(confusion: Confusion, title: string): string {
  const { names } = confusion;
  const side = MARGIN + names.length * CELL + 12;
  const size = names.length * CELL;
  const { surface, ink, line } = TONES;
  const drawn = names.flatMap((_, label) => squares(confusion, label)).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" role="img" aria-label="${escapeHtml(title)}" font-family="system-ui, sans-serif" font-size="${FONT_SIZE}">
<style>${darkRules()}</style>
<rect width="${side}" height="${side}" fill="${surface.light}"/>
<g fill="${ink.light}"><text x="8" y="16" font-size="11">${escapeHtml(title)}</text><text x="8" y="28">rows: labels, columns: predictions</text>${names.map(classLabels).join("\n")}</g>
<rect x="${MARGIN}" y="${MARGIN}" width="${size}" height="${size}" fill="none" stroke="${line.light}"/>
${drawn}
</svg>
`;
}
