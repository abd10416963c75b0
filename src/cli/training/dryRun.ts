import type { Resolved } from "../../config/resolve.js";
import { renderFitted } from "../../report/fit.js";
import { columns } from "../../report/table.js";
import { trackingPlace } from "../../report/track/trackers.js";
import type { Output } from "../command.js";

const shown = (value: unknown): string =>
  value === undefined ? "-" : Array.isArray(value) ? value.join(",") : String(value);

/**
 * Prints the resolved configuration, one option a line, with the place that each value came from.
 * @throws inputError for a tracker that is none
 */
export function printDryRun(
  { options, origins }: Pick<Resolved<object>, "options" | "origins">,
  output: Output,
): undefined {
  const { track } = options as { readonly track?: string | undefined };
  if (track !== undefined) trackingPlace(track, process.env);
  const rows = Object.entries(options).map(([name, value]) => [
    name,
    shown(value),
    origins[name] ?? "",
  ]);
  const table = { columns: columns("option", "value", "from"), rows };
  output.result(renderFitted(table, output.width), { options, origins });
  return undefined;
}
