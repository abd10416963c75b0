import { Chalk, type ChalkInstance } from "chalk";

/** Inputs to the decision whether text is colored. */
export interface ColorChoice {
  /**
   * The environment. NO_COLOR (any non-empty value, no-color.org) and TERM=dumb switch colors off; FORCE_COLOR
   * (any non-empty value but 0 and false, force-color.org) switches them on where the stream is no terminal, too.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the stream that is written to is a terminal. */
  readonly isTTY: boolean;
  /** The value of --color / --no-color; undefined when neither was typed. */
  readonly flag?: boolean | undefined;
}

/** Whether to color: --no-color or --color decide, then NO_COLOR, FORCE_COLOR and TERM, then whether it is a terminal. */
export function useColor(choice: ColorChoice): boolean {
  if (choice.flag !== undefined) return choice.flag;
  if ((choice.env.NO_COLOR ?? "") !== "") return false;
  const forced = choice.env.FORCE_COLOR ?? "";
  if (forced !== "") return forced !== "0" && forced !== "false";
  if (choice.env.TERM === "dumb") return false;
  return choice.isTTY;
}

/**
 * chalk with colors on or off. chalk's own detection looks at stdout, ours is written to stderr, and chalk 5
 * does not honour NO_COLOR on a terminal; so the decision is made once, by useColor, and handed in here.
 */
export function palette(color: boolean): ChalkInstance {
  return new Chalk({ level: color ? 1 : 0 });
}
