import { pageHead } from "../page/pageHead.js";
import { pageStyle } from "../page/pageStyle.js";
import { escapeHtml } from "../plots/html.js";
import {
  dataAddress,
  type Picture,
  rendering,
  rowDetail,
  type Sheet,
  type SheetPart,
  type SheetRow,
  shownSize,
} from "./sheet.js";

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

/** Neither scripts nor the network. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** A contact sheet as one HTML page that needs nothing else (its own policy forbids all else). */
export const sheetHtml = ({ title, notes, parts }: Sheet): string => `<!doctype html>
<html lang="en">
${pageHead({ title, policy: POLICY, generator: "pefd data show", styles: [`<style>${pageStyle()}${STYLE}</style>`] })}
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${notes.map((note) => `<p class="muted">${escapeHtml(note)}</p>`).join("\n")}
${parts.map(part).join("\n")}
</main>
</body>
</html>
`;
