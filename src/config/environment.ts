import type { Rows } from "../common/optionRow.js";
import type { Layer } from "./resolve.js";

/** The environment variable of an option: PEFD_ and its name in capitals. */
export const variableOf = (name: string): string => `PEFD_${name.toUpperCase()}`;

/** The layer of PEFD_* variables; empty ones count as not set, as shells make them easily. */
export function environmentLayer(
  rows: Rows,
  env: Readonly<Record<string, string | undefined>>,
): Layer {
  const given = Object.entries(rows)
    .filter(([, row]) => !row.flagOnly)
    .map(([name]) => [name, env[variableOf(name)] || undefined]);
  const origin = (name: string) => `environment ${variableOf(name)}`;
  return { label: variableOf, origin, values: Object.fromEntries(given) };
}
