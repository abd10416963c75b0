import { PLUGINS, type PluginRow } from "../common/plugins.js";
import { sha256 } from "../data/checksums.js";
import { namesIn } from "../distill/combination.js";

export type UsedPlugin = { readonly path: string; readonly sha256: string };

type Told = { readonly [Name in "distill" | "model" | "model_s" | "model_t" | "dataset"]?: unknown };

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function isUsed({ methods, models, datasets }: PluginRow, told: Told): boolean {
  const { distill, model, model_s, model_t, dataset } = told;
  return (
    namesIn(textOf(distill)).some((name) => methods.includes(name)) ||
    [textOf(model), textOf(model_s), ...namesIn(textOf(model_t))].some((name) => models.includes(name)) ||
    datasets.includes(textOf(dataset))
  );
}

/** The plug-ins that a run uses, which are part of its identity. @param told the run's options, or its config.json */
export const usedPlugins = (told: Told): UsedPlugin[] =>
  PLUGINS.rows()
    .filter((plugin) => isUsed(plugin, told))
    .map(({ name: path, sha256 }) => ({ path, sha256 }));

/** Order-independent checksum of a run's plug-ins; of a single one, its file's; undefined without. */
export function pluginsSha256(plugins: readonly Pick<UsedPlugin, "sha256">[]): string | undefined {
  const [only, ...others] = plugins.map(({ sha256 }) => sha256).sort();
  if (only === undefined || others.length === 0) return only;
  return sha256([only, ...others].join("\n"));
}
