import { seriesColor } from "./theme.js";

/**
 * Whom a stroke of a plot belongs to. While a plot is described this is a colour that nothing else has, and `inked` makes
 * of it the real colour and a class: so a page can show or hide experiments and runs, whoever draws the strokes.
 */
const INK = /#f([cd])([0-9a-f]{4})/g;
const TAG = /<[^<>]*#f[cd][0-9a-f]{4}[^<>]*>/g;

const TONES = 8;
const MOST = 0x10000;

const hex = (kind: "c" | "d", number: number) =>
  `#f${kind}${(number % MOST).toString(16).padStart(4, "0")}`;

/** The ink of what an experiment's runs share: its mean, its band. */
export const experimentInk = (experiment: number): string => hex("d", experiment);

/**
 * The ink of a single run.
 * @param run its place among all runs of a report, experiment by experiment
 * @param experiment whose colour it has
 */
export const runInk = (run: number, experiment: number): string =>
  hex("c", run * TONES + (experiment % TONES));

/** The class of an ink, and its colour. */
function meaning(kind: string, digits: string): { name: string; color: string } {
  const number = Number.parseInt(digits, 16);
  if (kind === "d") return { name: `e e${number}`, color: seriesColor(number) };
  return { name: `r r${Math.floor(number / TONES)}`, color: seriesColor(number % TONES) };
}

/** A drawing with real colours, and on every stroke the class of its experiment (`e e3`) or run (`r r12`). */
export const inked = (svg: string): string =>
  svg.replace(TAG, (tag) => {
    const [first] = tag.matchAll(INK);
    const name = first === undefined ? "" : meaning(first[1] ?? "", first[2] ?? "").name;
    return tag
      .replace(INK, (_, kind: string, digits: string) => meaning(kind, digits).color)
      .replace(/^<\w+/, (start) => `${start} class="${name}"`);
  });
