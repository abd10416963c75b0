import type { Rows } from "../common/optionRow.js";
import { nearestName } from "../common/text.js";
import type { Layer } from "./resolve.js";

/** The environment variable of an option: PEFD_ and its name in capitals. */
export const variableOf = (name: string): string => `PEFD_${name.toUpperCase()}`;

/** The layer of PEFD_* variables; empty ones count as not set, as shells make them easily. */
export function environmentLayer(rows: Rows, env: Readonly<Record<string, string | undefined>>): Layer {
  const given = Object.entries(rows)
    .filter(([, row]) => !row.flagOnly)
    .map(([name]) => [name, env[variableOf(name)] || undefined]);
  const origin = (name: string) => `environment ${variableOf(name)}`;
  return { label: variableOf, origin, values: Object.fromEntries(given) };
}

/** Variables that are not options (docs/flags.md, docs/gpu.md, docs/performance.md). */
const OWN_VARIABLES = ["CACHE", "RUNTIME", "CONVOLUTIONS", "VECTOR_WIDTH", "PYTHON", "PLUGINS"];

/** Variables of pefd's own tests (CONTRIBUTING.md); they lie around where those run. */
const TEST_VARIABLES = [
  "MATRICES",
  "FAMILIES",
  "FAULTS",
  "FAULTS_SEED",
  "FAULT",
  "FAULT_LOG",
  "SOAK",
  "PICTURES",
  "SHARED",
  "REAL_DATA",
  "NODES",
  "GPU_TREE",
  "CHROMIUM",
  "MLFLOW",
  "WANDB",
  "BARE_ROOT",
];

const PREFIX = "PEFD_";

/** Largest edit distance of a typo. */
const MOST_WRONG = 2;

/**
 * A sentence for each variable that looks like one of pefd and has no effect: misspelt, or of an option that is read from
 * the command line only. Variables that are like none of ours are somebody else's.
 * @param rows of every command
 */
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
