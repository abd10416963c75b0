import type { Row, Rows, Section, Values } from "../common/optionRow.js";
import { DATASETS } from "../data/registry.js";
import type { Procedure } from "../distill/open.js";
import { parseValue } from "./parse.js";

/** Values from one place: flags, the environment, a file. Stronger layers come first. */
export interface Layer {
  /** How sentences name a value of this layer: "--epochs", "PEFD_EPOCHS", "epochs in smoke.json". */
  readonly label: (name: string) => string;
  /** Where `--dry_run` says that a value came from. */
  readonly origin: (name: string) => string;
  /** As typed or written; undefined is not given. */
  readonly values: Readonly<Record<string, unknown>>;
  /**
   * What it says where stronger layers make other variants of the methods that it names; undefined where they make none.
   * Left out where it says the same whatever they make.
   */
  readonly following?: ((summed: readonly Procedure[]) => Pick<Layer, "origin" | "values"> | undefined) | undefined;
}

/** Values with the place that each came from. */
export interface Resolved<Options = Readonly<Record<string, unknown>>> {
  readonly options: Options;
  readonly origins: Readonly<Record<string, string>>;
  /** Position of the layer that gave the value, 0 the strongest; absent for defaults. */
  readonly ranks: Readonly<Record<string, number>>;
}

/** All rows of some sections by name; what every object has, such as "constructor", is no row. */
export const rowsOf = (sections: readonly Section[]): Rows =>
  Object.assign(Object.create(null), ...sections.map((section) => section.rows));

/**
 * A layer that names another method (or model) than the one chosen says nothing about this one's values:
 * `--config a-preset-of-kd --distill ours` must not train `ours` with the weights of kd.
 */
function speaksOf(row: Row, layer: Layer, layers: readonly Layer[]): boolean {
  if (row.boundTo === undefined) return true;
  const { boundTo } = row;
  const own = layer.values[boundTo];
  const chosen = layers.find((other) => other.values[boundTo] !== undefined)?.values[boundTo];
  return own === undefined || own === chosen;
}

/** Position of the layer that gives an option's value; -1 where none does. */
export const givenBy = (name: string, row: Row, layers: readonly Layer[]): number =>
  layers.findIndex((layer) => layer.values[name] !== undefined && speaksOf(row, layer, layers));

const defaultOrigin = (row: Row): string => (row.fallback === undefined ? (row.defaultText ?? "not set") : "default");

/** The chosen data set's defaults for unset options; none for an unknown name. */
function datasetDefaults(layers: readonly Layer[]): { name: string; values: Layer["values"] } {
  const given = layers.find(({ values }) => values.dataset !== undefined)?.values.dataset;
  const row = typeof given === "string" ? DATASETS.find(given) : undefined;
  return { name: row?.name ?? "", values: row?.defaults ?? {} };
}

/**
 * Every option's value from the strongest layer that gives it, else the chosen data set's default, else its own.
 * All given values are checked, those that a stronger layer hides as well.
 * @throws inputError for a value that its row does not allow
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

/**
 * The values of one section.
 * @throws inputError for a value that its row does not allow
 */
export const resolveSection = <S extends Section>(section: S, layers: readonly Layer[]): Values<S> =>
  resolveRows([section], layers).options as Values<S>;
