import type { Row, Rows, Section, Values } from "../common/optionRow.js";
import { DATASETS } from "../data/registry.js";
import type { Procedure } from "../distill/open.js";
import { parseValue } from "./parse.js";

/** Values of one source: flags, the environment, a file. Stronger layers come first. */
export interface Layer {
  /** Name of a value in messages: "--epochs", "PEFD_EPOCHS", "epochs in smoke.json". */
  readonly label: (name: string) => string;
  /** A value's origin in `--dry_run`. */
  readonly origin: (name: string) => string;
  /** As typed or written; undefined if not given. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Values for variants that stronger layers make of its methods; omitted where they make no difference. */
  readonly following?: ((summed: readonly Procedure[]) => Pick<Layer, "origin" | "values"> | undefined) | undefined;
}

export interface Resolved<Options = Readonly<Record<string, unknown>>> {
  readonly options: Options;
  readonly origins: Readonly<Record<string, string>>;
  /** Index of the layer of a value, 0 the strongest; absent for defaults. */
  readonly ranks: Readonly<Record<string, number>>;
}

/** All rows of sections; inherited keys such as "constructor" are no rows. */
export const rowsOf = (sections: readonly Section[]): Rows =>
  Object.assign(Object.create(null), ...sections.map((section) => section.rows));

/**
 * A layer that names another method (or model) than the chosen one is silent on its values: `--config a-preset-of-kd
 * --distill ours` must not train `ours` with kd's weights.
 */
function speaksOf(row: Row, layer: Layer, layers: readonly Layer[]): boolean {
  if (row.boundTo === undefined) return true;
  const { boundTo } = row;
  const own = layer.values[boundTo];
  const chosen = layers.find((other) => other.values[boundTo] !== undefined)?.values[boundTo];
  return own === undefined || own === chosen;
}

/** Index of the layer that gives an option; -1 where none does. */
export const givenBy = (name: string, row: Row, layers: readonly Layer[]): number =>
  layers.findIndex((layer) => layer.values[name] !== undefined && speaksOf(row, layer, layers));

const defaultOrigin = (row: Row): string => (row.fallback === undefined ? (row.defaultText ?? "not set") : "default");

/** The data set's defaults for unset options; none for an unknown name. */
function datasetDefaults(layers: readonly Layer[]): { name: string; values: Layer["values"] } {
  const given = layers.find(({ values }) => values.dataset !== undefined)?.values.dataset;
  const row = typeof given === "string" ? DATASETS.find(given) : undefined;
  return { name: row?.name ?? "", values: row?.defaults ?? {} };
}

/**
 * Each option's value from the strongest layer, else the data set's default, else its own. Hidden values are checked,
 * too.
 * @throws inputError for invalid values
 */
export function resolveRows(sections: readonly Section[], layers: readonly Layer[]): Resolved {
  const options: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const ranks: Record<string, number> = {};
  const own = datasetDefaults(layers);
  for (const [name, row] of Object.entries(rowsOf(sections))) {
    const parsed = layers.map(({ label, values }) =>
      values[name] === undefined ? undefined : parseValue(label(name), row, values[name]),
    );
    const rank = givenBy(name, row, layers);
    const isOwn = rank < 0 && Object.hasOwn(own.values, name);
    options[name] = rank >= 0 ? parsed[rank] : isOwn ? own.values[name] : row.fallback;
    const unsaid = isOwn ? `default of ${own.name}` : defaultOrigin(row);
    origins[name] = layers[rank]?.origin(name) ?? unsaid;
    if (rank >= 0) ranks[name] = rank;
  }
  return { options, origins, ranks };
}

/** The values of one section. @throws inputError for invalid values */
export const resolveSection = <S extends Section>(section: S, layers: readonly Layer[]): Values<S> =>
  resolveRows([section], layers).options as Values<S>;
