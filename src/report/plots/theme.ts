import { cleanLine } from "../../common/text.js";

/** Text made safe to stand in HTML and XML, also between double quotes. */
export const escapeHtml = (text: string): string =>
  cleanLine(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** A method's color as a small square; a drawing, so that it turns dark as plots do. */
export const chip = (tone: number): string =>
  `<svg class="chip" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" rx="2" fill="${seriesColor(tone)}"/></svg>`;

/** Owners of strokes, as unique colors that `inked` replaces by real ones and a class, for pages to show or hide. */
const INK = /#f([cd])([0-9a-f]{4})/g;
const TAG = /<[^<>]*#f[cd][0-9a-f]{4}[^<>]*>/g;

const SERIES = 8;
const MOST = 0x10000;

const hex = (kind: "c" | "d", number: number) => `#f${kind}${(number % MOST).toString(16).padStart(4, "0")}`;

const ink = (kind: "c" | "d", number: number, tone: number) => hex(kind, number * SERIES + (tone % SERIES));

/** The ink of what an experiment's runs share: its mean, its band. `tone` is its method's color (Summary.tone). */
export const experimentInk = (experiment: number, tone: number): string => ink("d", experiment, tone);

/** The ink of a single run, numbered among all runs of a report. */
export const runInk = (run: number, tone: number): string => ink("c", run, tone);

function meaning(kind: string, digits: string): { name: string; color: string } {
  const number = Number.parseInt(digits, 16);
  const [letter, at] = [kind === "d" ? "e" : "r", Math.floor(number / SERIES)];
  return { name: `${letter} ${letter}${at}`, color: seriesColor(number % SERIES) };
}

/** A drawing with real colors, and on every stroke the class of its experiment (`e e3`) or run (`r r12`). */
export const inked = (svg: string): string =>
  svg.replace(TAG, (tag) => {
    const [first] = tag.matchAll(INK);
    const name = first === undefined ? "" : meaning(first[1] ?? "", first[2] ?? "").name;
    return tag
      .replace(INK, (_, kind: string, digits: string) => meaning(kind, digits).color)
      .replace(/^<\w+/, (start) => `${start} class="${name}"`);
  });

export type Tone = { readonly light: string; readonly dark: string };

/** Colors of plots and page. Every light color has one role: see darkRules. */
export const TONES = {
  surface: { light: "#ffffff", dark: "#0f1419" },
  raised: { light: "#f6f8fa", dark: "#171d24" },
  ink: { light: "#1c2128", dark: "#e6edf3" },
  muted: { light: "#57606a", dark: "#9aa4af" },
  line: { light: "#dfe3e8", dark: "#2d353e" },
} as const satisfies Record<string, Tone>;

/** Colours of methods, distinguishable by people with any color vision; the order matters. */
export const SERIES_TONES: readonly Tone[] = [
  { light: "#0b62ad", dark: "#63aef5" },
  { light: "#c84a00", dark: "#ff9152" },
  { light: "#007d5b", dark: "#42cf9f" },
  { light: "#9c3a8a", dark: "#e394d4" },
  { light: "#856300", dark: "#e5b84a" },
  { light: "#08829c", dark: "#55d2e8" },
  { light: "#b01f3c", dark: "#ff8292" },
  { light: "#5653d0", dark: "#aaa8ff" },
];

/** The (light) color of a number; they repeat after eight. */
export const seriesColor = (index: number): string =>
  SERIES_TONES[index % SERIES_TONES.length]?.light ?? TONES.ink.light;

/** Style rules of the dark version; they select by the light color, which programs without styles still show. */
export function darkRules(): string {
  const rules = [...Object.values(TONES), ...SERIES_TONES].map(
    ({ light, dark }) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`,
  );
  return `@media screen and (prefers-color-scheme:dark){${rules.join("")}}`;
}
