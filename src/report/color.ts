import { Chalk, type ChalkInstance } from "chalk";

export interface ColorChoice {
  /** NO_COLOR (no-color.org) and TERM=dumb disable colors; FORCE_COLOR (force-color.org, not 0 or false) enables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
  /** Undefined when neither --color nor --no-color was typed. */
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

/** chalk with colors on or off: its own detection looks at stdout, and chalk 5 ignores NO_COLOR on a terminal. */
export function palette(color: boolean): ChalkInstance {
  return new Chalk({ level: color ? 1 : 0 });
}
