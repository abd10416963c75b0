import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** What makes a page answer; each stands for itself. */
const ALWAYS = ["tables", "picks", "hover"] as const;

const textOf = (name: string): string =>
  readFileSync(new URL(`script/${name}.js`, import.meta.url), "utf8")
    .replace(/^export \{\};\n?|^\/\/# sourceMappingURL.*$/gm, "")
    .trim();

const hashOf = (text: string): string =>
  `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The scripts of a page and the policy that lets a browser run them and nothing else. */
export interface PageScripts {
  /** Elements for the end of the page. */
  readonly html: string;
  /** A Content-Security-Policy: nothing from elsewhere, these scripts, styles in the page. */
  readonly policy: string;
}

/**
 * The scripts that stand in a page (page/script), by their text.
 * @param live whether the page follows runs: it then asks its own server for news
 */
export function pageScripts(live: boolean): PageScripts {
  const texts = [...(live ? ["follow"] : []), ...ALWAYS].map(textOf);
  const sources = texts.map(hashOf).join(" ");
  const own = live ? "; connect-src 'self'" : "";
  return {
    html: texts.map((text) => `<script type="module">${text}</script>`).join("\n"),
    policy: `default-src 'none'; style-src 'unsafe-inline'; script-src ${sources}${own}; base-uri 'none'; form-action 'none'`,
  };
}

/** Data for a page's scripts: JSON that cannot end its element. */
export const jsonScript = (attributes: string, value: unknown): string =>
  `<script type="application/json"${attributes}>${JSON.stringify(value).replaceAll("<", "\\u003c")}</script>`;
