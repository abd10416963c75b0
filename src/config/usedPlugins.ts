import { createHash } from "node:crypto";
import { PLUGINS, type PluginRow } from "../common/plugins.js";
import { namesIn } from "../distill/combination.js";

/** A plug-in as a run's config.json names it. */
export interface UsedPlugin {
  readonly path: string;
  readonly sha256: string;
}

/** Parts of a run that may come from plug-ins. */
interface Told {
  readonly distill?: unknown;
  readonly model?: unknown;
  readonly model_s?: unknown;
  readonly model_t?: unknown;
  readonly dataset?: unknown;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Whether a run has its method, one of its models or its data set from a plug-in. */
function isUsed({ methods, models, datasets }: PluginRow, told: Told): boolean {
  const { distill, model, model_s, model_t, dataset } = told;
  return (
    namesIn(textOf(distill)).some((name) => methods.includes(name)) ||
    [model, model_s, model_t].some((name) => models.includes(textOf(name))) ||
    datasets.includes(textOf(dataset))
  );
}

/**
 * Those of this process's plug-ins that a run takes something from: they are part of who it is, and others are not.
 * @param told the run's options, or its config.json
 */
export const usedPlugins = (told: Told): UsedPlugin[] =>
  PLUGINS.rows()
    .filter((plugin) => isUsed(plugin, told))
    .map(({ name: path, sha256 }) => ({ path, sha256 }));

/** One checksum for all plug-ins of a run, whatever their order; that of the file where it is one. Undefined without. */
export function pluginsSha256(plugins: readonly Pick<UsedPlugin, "sha256">[]): string | undefined {
  const [only, ...others] = plugins.map(({ sha256 }) => sha256).sort();
  if (only === undefined || others.length === 0) return only;
  return createHash("sha256")
    .update([only, ...others].join("\n"))
    .digest("hex");
}
