import { Chalk, type ChalkInstance } from "chalk";

/** What decides whether text is coloured. */
export interface ColorChoice {
  /** The environment; NO_COLOR (any non-empty value) and TERM=dumb switch colours off (no-color.org). */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the stream that is written to is a terminal. */
  readonly isTTY: boolean;
  /** The value of --color / --no-color; undefined when neither was typed. */
  readonly flag?: boolean | undefined;
}

/** Whether to colour: --no-color or --color decide, then NO_COLOR and TERM, then whether it is a terminal. */
export function useColor(choice: ColorChoice): boolean {
  if (choice.flag !== undefined) return choice.flag;
  if ((choice.env.NO_COLOR ?? "") !== "") return false;
  if (choice.env.TERM === "dumb") return false;
  return choice.isTTY;
}

/**
 * chalk with colours on or off. chalk's own detection looks at stdout, ours is written to stderr, and chalk 5
 * does not honour NO_COLOR on a terminal; so the decision is made once, by useColor, and handed in here.
 */
export function palette(color: boolean): ChalkInstance {
  return new Chalk({ level: color ? 1 : 0 });
}
