/** A colour on light and on dark ground. */
export interface Tone {
  readonly light: string;
  readonly dark: string;
}

/** What the plots and the page are drawn in. Every light colour stands for one role: see darkRules. */
export const TONES = {
  surface: { light: "#ffffff", dark: "#0f1419" },
  raised: { light: "#f6f8fa", dark: "#171d24" },
  ink: { light: "#1c2128", dark: "#e6edf3" },
  muted: { light: "#57606a", dark: "#9aa4af" },
  line: { light: "#dfe3e8", dark: "#2d353e" },
} as const satisfies Record<string, Tone>;

/** Colours of experiments, told apart by people with any colour vision; the order matters. */
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

/** The (light) colour of the experiment at some position; they repeat after eight. */
export const seriesColor = (index: number): string =>
  SERIES_TONES[index % SERIES_TONES.length]?.light ?? TONES.ink.light;

/**
 * Style rules that turn a drawing made in the light colours into its dark version. They select by the colour that
 * stands in the drawing, so that a program which knows no styles still shows the light version.
 */
export function darkRules(): string {
  const rules = [...Object.values(TONES), ...SERIES_TONES].map(
    ({ light, dark }) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`,
  );
  return `@media screen and (prefers-color-scheme:dark){${rules.join("")}}`;
}
