import { cleanLine } from "../../common/text/cleanText.js";
import { flatten } from "../runs/flatten.js";
import type { Summary } from "../runs/summarize.js";

/** What a page's scripts know of the runs (page/script/picks.js), in the order of the table of runs. */
export interface PageData {
  readonly experiments: readonly { readonly label: string; readonly runs: readonly number[] }[];
  readonly runs: readonly {
    readonly folder: string;
    readonly name: string;
    readonly experiment: number;
    /** What config.json says where not all runs say the same. */
    readonly settings: Readonly<Record<string, string>>;
  }[];
}

/**
 * The report's runs for its page.
 * @param labels the experiments' names, one per summary
 */
export function pageData(summaries: readonly Summary[], labels: readonly string[]): PageData {
  const runs = summaries.flatMap((summary, experiment) =>
    summary.runs.map((run) => ({ run, experiment, settings: new Map(flatten(run.config)) })),
  );
  const keys = [...new Set(runs.flatMap(({ settings }) => [...settings.keys()]))].filter(
    (key) => new Set(runs.map(({ settings }) => settings.get(key))).size > 1,
  );
  return {
    experiments: summaries.map((_, index) => ({
      label: cleanLine(labels[index] ?? ""),
      runs: runs.flatMap(({ experiment }, at) => (experiment === index ? [at] : [])),
    })),
    runs: runs.map(({ run, experiment, settings }) => ({
      folder: cleanLine(run.dir),
      name: cleanLine(`${labels[experiment]}, trial ${run.trial}`),
      experiment,
      settings: Object.fromEntries(
        keys.flatMap((key) => {
          const value = settings.get(key);
          return value === undefined ? [] : [[cleanLine(key), cleanLine(value)] as const];
        }),
      ),
    })),
  };
}
