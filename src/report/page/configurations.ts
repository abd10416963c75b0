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

function configuration({ runs }: Summary, label: string, index: number): string {
  const rows = sharedEntries(runs).map(
    ([key, value]) =>
      `<tr><th scope="row">${escapeHtml(key)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const heading = `<summary>${chip(index)}${escapeHtml(label)}</summary>`;
  return `<details>${heading}<table class="values"><tbody>${rows.join("\n")}</tbody></table></details>`;
}

/** The configurations of all experiments, folded, as config.json of their runs tells them. */
export const configurations = (summaries: readonly Summary[], labels: readonly string[]): string =>
  summaries.map((summary, index) => configuration(summary, labels[index] ?? "", index)).join("\n");
