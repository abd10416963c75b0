import { inputError } from "../common/errors.js";
import type { Rows } from "../common/optionRow.js";
import { PLUGINS, type PluginRow } from "../common/plugins.js";
import { sha256 } from "../data/checksums.js";
import { namesIn } from "../distill/combination.js";
import { procedureOf } from "../distill/open.js";
import { METHODS } from "../distill/registry.js";

/** Published name of a run's method or variant; unpublished ones stay. @param options the run's, or its config.json */
export function procedureName(method: string, options: object): string {
  const row = METHODS.find(method);
  return row === undefined ? method : procedureOf(row, options).name;
}

/** The command that makes each kind of run. */
export const COMMANDS = { distill: "distill", teacher: "train-teacher" } as const;
export type RecordKind = keyof typeof COMMANDS;

/** Keys of config.json besides options. */
const TOLD = ["kind", "teacher", "seed", "device", "versions", "origin", "identity", "plugins", "checksum"];

const isKind = (value: unknown): value is RecordKind => typeof value === "string" && Object.hasOwn(COMMANDS, value);

/** The kind of run whose config.json this is; undefined for a file of options. */
export const recordKind = ({ kind, seed }: Readonly<Record<string, unknown>>) =>
  isKind(kind) && typeof seed === "number" ? kind : undefined;

/** The options in a run's record. */
export function optionsOfRecord(
  content: Readonly<Record<string, unknown>>,
  kind: RecordKind,
  known: Rows,
): Record<string, unknown> {
  // A student's record has its model under both names.
  const told = new Set(kind === "distill" ? [...TOLD, "model"] : TOLD);
  return Object.fromEntries(Object.entries(content).filter(([name]) => !told.has(name) && !known[name]?.flagOnly));
}

/** @throws inputError for a record of the other kind of run */
export function refuseOtherKind(
  kind: RecordKind,
  configuration: { readonly record: RecordKind | undefined } | undefined,
  typed: string,
): void {
  const found = configuration?.record;
  if (found === undefined || found === kind) return;
  throw inputError(
    `--config ${typed} is the config.json of a ${COMMANDS[found]} run.`,
    `Type: pefd ${COMMANDS[found]} --config ${typed}`,
  );
}

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
