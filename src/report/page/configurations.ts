import { chip, escapeHtml } from "../plots/html.js";
import { type Entry, flatten } from "../runs/flatten.js";
import type { RunRecord } from "../runs/runRecord.js";
import type { Summary } from "../runs/summarize.js";

/** Each key's value where all runs share it, else the values by trial. */
function sharedEntries(runs: readonly RunRecord[]): Entry[] {
  const flat = runs.map((run) => new Map(flatten(run.config)));
  const keys = [...new Set(flat.flatMap((each) => [...each.keys()]))];
  return keys.map((key): Entry => {
    const values = flat.map((each) => each.get(key) ?? "-");
    if (new Set(values).size === 1) return [key, values[0] ?? "-"];
    return [key, values.map((value, i) => `trial ${runs[i]?.trial}: ${value}`).join("; ")];
  });
}

function folded(title: string, entries: readonly Entry[]): string {
  const rows = entries.map(
    ([key, value]) =>
      `<tr><th scope="row">${escapeHtml(key)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<details><summary>${title}</summary><table class="values"><tbody>${rows.join("\n")}</tbody></table></details>`;
}

/**
 * The configurations of all experiments, folded, as config.json of their runs tells them: what several experiments all
 * share stands first, once.
 */
export function configurations(summaries: readonly Summary[], labels: readonly string[]): string {
  const all = summaries.map(({ runs }) => new Map(sharedEntries(runs)));
  const shared = [...(all[0] ?? [])].filter(
    ([key, value]) => all.length > 1 && all.every((each) => each.get(key) === value),
  );
  const common = new Set(shared.map(([key]) => key));
  const own = all.map((each, index) =>
    folded(
      `${chip(index)}${escapeHtml(labels[index] ?? "")}`,
      [...each].filter(([key]) => !common.has(key)),
    ),
  );
  return [...(shared.length > 0 ? [folded("Shared by all", shared)] : []), ...own].join("\n");
}
