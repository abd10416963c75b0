import { cleanLine } from "../../common/text/cleanText.js";
import { seriesColor } from "./theme.js";

/** Text made safe to stand in HTML and XML, also between double quotes. */
export const escapeHtml = (text: string): string =>
  cleanLine(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

/** The colour of the experiment at some position, as a small square; a drawing, so that it turns dark as plots do. */
export const chip = (index: number): string =>
  `<svg class="chip" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" rx="2" fill="${seriesColor(index)}"/></svg>`;
