import { cleanLine } from "../common/text.js";
import { pageHead, pageStyle } from "./page/htmlPage.js";
import { wrapped } from "./plots/textWidth.js";
import { darkRules, escapeHtml, TONES } from "./plots/theme.js";

const STYLE = `
.row{margin:0 0 22px;break-inside:avoid}
.row p{overflow-wrap:anywhere;margin:0 0 6px}
.pictures{display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start}
.pictures figure{border:0;border-radius:0;padding:0;overflow:visible}
.pictures img{display:block;background:var(--raised)}
figcaption{color:var(--muted);font-size:13px}
`;

const figure = (picture: Picture, column: string, of: string): string => {
  const { height, width } = shownSize(picture);
  const sizes = `width="${Math.round(width)}" height="${Math.round(height)}"`;
  const style = `image-rendering:${rendering(picture)}`;
  const alt = escapeHtml(`${of}: ${column}`);
  return `<figure><img src="${dataAddress(picture)}" ${sizes} style="${style}" alt="${alt}"><figcaption>${escapeHtml(column)}</figcaption></figure>`;
};

function row(columns: readonly string[], shown: SheetRow): string {
  const { className, name, pictures } = shown;
  const figures = pictures.map((picture, i) => figure(picture, columns[i] ?? "", name));
  return `<div class="row">
<p><strong>${escapeHtml(className)}</strong> <span class="muted">${escapeHtml(rowDetail(shown))}</span></p>
<div class="pictures">
${figures.join("\n")}
</div>
</div>`;
}

const part = ({ title, columns, rows }: SheetPart): string =>
  `<h2>${escapeHtml(title)}</h2>\n${rows.map((each) => row(columns, each)).join("\n")}`;

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** A contact sheet as one HTML page that needs nothing else (its own policy forbids all else). */
export const sheetHtml = ({ title, notes, parts }: Sheet): string => `<!doctype html>
<html lang="en">
${pageHead({ title, policy: POLICY, generator: "pefd", styles: [`<style>${pageStyle()}${STYLE}</style>`] })}
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${notes.map((note) => `<p class="muted">${escapeHtml(note)}</p>`).join("\n")}
${parts.map(part).join("\n")}
</main>
</body>
</html>
`;

const [MARGIN, GAP] = [20, 12];
/** Font sizes, and the line height over them. */
const [HEADING, TITLE, TEXT, LINE] = [20, 16, 13, 1.4];
/** Letters from a weight on are so much wider. */
const [BOLD, BOLDER] = [600, 1.12];
const LEAST_COLUMNS = 3;

/** Elements drawn so far, and the y of the next one. */
type Drawing = { readonly width: number; y: number; readonly parts: string[] };

type Letters = { readonly size: number; readonly color: string; readonly weight?: number };

const INK: Letters = { size: TEXT, color: TONES.ink.light };
const MUTED: Letters = { size: TEXT, color: TONES.muted.light };

function write(
  drawing: Drawing,
  text: string,
  { size, color, weight = 400 }: Letters,
  x = MARGIN,
  width = drawing.width - MARGIN - x,
): void {
  for (const line of wrapped(cleanLine(text), width / (weight < BOLD ? 1 : BOLDER), size)) {
    drawing.y += size * LINE;
    const place = `x="${x}" y="${(drawing.y - size * (LINE - 1)).toFixed(1)}"`;
    const look = `font-size="${size}" font-weight="${weight}" fill="${color}"`;
    drawing.parts.push(`<text ${place} ${look}>${escapeHtml(line)}</text>`);
  }
}

const columnAt = (column: number): number => MARGIN + column * (SIDE + GAP);

function writeColumns(drawing: Drawing, columns: readonly string[]): void {
  const top = drawing.y;
  const ends = columns.map((title, column) => {
    drawing.y = top;
    write(drawing, title, MUTED, columnAt(column), SIDE);
    return drawing.y;
  });
  drawing.y = Math.max(top, ...ends) + 4;
}

function draw(drawing: Drawing, pictures: readonly Picture[]): void {
  for (const [column, picture] of pictures.entries()) {
    const { height, width } = shownSize(picture);
    const sizes = `width="${width.toFixed(1)}" height="${height.toFixed(1)}"`;
    const place = `x="${columnAt(column)}" y="${drawing.y.toFixed(1)}" ${sizes}`;
    drawing.parts.push(
      `<image ${place} style="image-rendering:${rendering(picture)}" href="${dataAddress(picture)}"/>`,
    );
  }
  drawing.y += Math.max(...pictures.map((picture) => shownSize(picture).height)) + GAP;
}

function drawPart(drawing: Drawing, { title, columns, rows }: SheetPart): void {
  drawing.y += GAP;
  write(drawing, title, { ...INK, size: TITLE, weight: 650 });
  for (const row of rows) {
    drawing.y += GAP / 2;
    write(drawing, row.className, { ...INK, weight: 600 });
    write(drawing, rowDetail(row), MUTED);
    writeColumns(drawing, columns);
    draw(drawing, row.pictures);
  }
}

/** A contact sheet as a drawing in SVG that needs nothing else. Light, or dark where that is preferred. */
export function sheetSvg({ title, notes, parts }: Sheet): string {
  const columns = Math.max(LEAST_COLUMNS, ...parts.map((part) => part.columns.length));
  const drawing: Drawing = { width: columnAt(columns) - GAP + MARGIN, y: MARGIN / 2, parts: [] };
  write(drawing, title, { ...INK, size: HEADING, weight: 650 });
  for (const note of notes) write(drawing, note, MUTED);
  for (const part of parts) drawPart(drawing, part);
  const [width, height] = [drawing.width, Math.ceil(drawing.y + MARGIN / 2)];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(title)}" font-family="system-ui, sans-serif">
<style>${darkRules()}</style>
<rect width="${width}" height="${height}" fill="${TONES.surface.light}"/>
${drawing.parts.join("\n")}
</svg>
`;
}

export type Picture = { readonly height: number; readonly width: number; readonly png: Uint8Array };

export interface SheetRow {
  readonly className: string;
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly pictures: readonly Picture[];
}

export interface SheetPart {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly SheetRow[];
}

export interface Sheet {
  readonly title: string;
  readonly notes: readonly string[];
  readonly parts: readonly SheetPart[];
}

/** Longest side of a picture on paper and screen; small images are shown larger than they are, pixel by pixel. */
export const SIDE = 168;

function shownSize({ height, width }: Picture): { height: number; width: number } {
  const scale = SIDE / Math.max(height, width);
  return { height: Math.max(1, height * scale), width: Math.max(1, width * scale) };
}

const FEW_PIXELS = 100;

const rendering = ({ height, width }: Picture): "pixelated" | "auto" =>
  Math.max(height, width) < FEW_PIXELS ? "pixelated" : "auto";

const dataAddress = ({ png }: Picture): string => `data:image/png;base64,${Buffer.from(png).toString("base64")}`;

const rowDetail = ({ name, height, width }: SheetRow): string => `${name}, ${width} x ${height}`;
