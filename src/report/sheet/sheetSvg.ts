import { cleanLine } from "../../common/text/cleanText.js";
import { escapeHtml } from "../plots/html.js";
import { darkRules, TONES } from "../plots/theme.js";
import {
  dataAddress,
  type Picture,
  rendering,
  rowDetail,
  type Sheet,
  type SheetPart,
  SIDE,
  shownSize,
} from "./sheet.js";
import { wrapped } from "./wrap.js";

const [MARGIN, GAP] = [20, 12];
/** Sizes of letters, and the height of a line over that. */
const [HEADING, TITLE, TEXT, LINE] = [20, 16, 13, 1.4];
/** Letters from a weight on are so much wider. */
const [BOLD, BOLDER] = [600, 1.12];
/** Room for titles where there are few columns. */
const LEAST_COLUMNS = 3;

/** What was drawn, from top to bottom, and where the next thing goes. */
interface Drawing {
  readonly width: number;
  y: number;
  readonly parts: string[];
}

/** How letters look. */
interface Letters {
  readonly size: number;
  readonly color: string;
  readonly weight?: number;
}

const INK: Letters = { size: TEXT, color: TONES.ink.light };
const MUTED: Letters = { size: TEXT, color: TONES.muted.light };

/** Lines of text, as many as it takes. @param width of a line, all that there is where left out */
function write(
  drawing: Drawing,
  text: string,
  { size, color, weight = 400 }: Letters,
  x = MARGIN,
  width = drawing.width - MARGIN - x,
): void {
  const most = width / size / (weight < BOLD ? 1 : BOLDER);
  for (const line of wrapped(cleanLine(text), most)) {
    drawing.y += size * LINE;
    const place = `x="${x}" y="${(drawing.y - size * (LINE - 1)).toFixed(1)}"`;
    const look = `font-size="${size}" font-weight="${weight}" fill="${color}"`;
    drawing.parts.push(`<text ${place} ${look}>${escapeHtml(line)}</text>`);
  }
}

const columnAt = (column: number): number => MARGIN + column * (SIDE + GAP);

/** Titles of columns beside one another. */
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
