import { Chalk, type ChalkInstance } from "chalk";

/**
 * Whether to color a terminal or another stream: NO_COLOR (no-color.org) and TERM=dumb disable colors, FORCE_COLOR
 * (force-color.org, not 0 or false) enables them.
 */
export function useColor(env: Readonly<Record<string, string | undefined>>, isTTY: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  return isTTY && env.TERM !== "dumb";
}

/** chalk with colors on or off: its own detection looks at stdout, and chalk 5 ignores NO_COLOR on a terminal. */
export function palette(color: boolean): ChalkInstance {
  return new Chalk({ level: color ? 1 : 0 });
}
