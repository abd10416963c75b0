import type { Rows } from "../common/optionRow.js";
import { nearestName } from "../common/text.js";
import type { Layer } from "./resolve.js";

/** PEFD_ and the option's name in capitals. */
export const variableOf = (name: string): string => `PEFD_${name.toUpperCase()}`;

/** The layer of PEFD_* variables; empty ones count as not set. */
export function environmentLayer(rows: Rows, env: Readonly<Record<string, string | undefined>>): Layer {
  const given = Object.entries(rows)
    .filter(([, row]) => !row.flagOnly)
    .map(([name]) => [name, env[variableOf(name)] || undefined]);
  const origin = (name: string) => `environment ${variableOf(name)}`;
  return { label: variableOf, origin, values: Object.fromEntries(given) };
}

/** Variables that are no options (docs/flags.md, docs/gpu.md, docs/performance.md). */
const OWN_VARIABLES = ["CACHE", "RUNTIME", "CONVOLUTIONS", "VECTOR_WIDTH", "PYTHON", "PLUGINS"];

/** Variables of pefd's own tests that look like a misspelled option: `soft`, `model`. */
const TEST_VARIABLES = ["SOAK", "NODES"];

const PREFIX = "PEFD_";

const MOST_WRONG = 2;

/** A sentence for each PEFD_* variable without effect: a typo, or an option of the command line only. */
export function ignoredVariables(rows: Rows, env: Readonly<Record<string, string | undefined>>): string[] {
  const options = Object.keys(rows).map((name) => name.toUpperCase());
  const known = [...options, ...OWN_VARIABLES];
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && env[name] !== "")
    .flatMap((name) => {
      const own = name.slice(PREFIX.length);
      const option = own.toLowerCase();
      if (Object.hasOwn(rows, option) && rows[option]?.flagOnly) {
        return [`${name} has no effect: --${option} works only on the command line.`];
      }
      const isKnown = known.includes(own) || TEST_VARIABLES.includes(own);
      const near = isKnown ? undefined : nearestName(own, known, MOST_WRONG);
      return near === undefined ? [] : [`${name} has no effect. Did you mean ${PREFIX}${near}?`];
    });
}
