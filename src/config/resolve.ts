import { inputError, type PefdError, unknownNameError } from "../common/errors.js";
import type { Range, Row, Rows, Section, Values, ValueType } from "../common/optionRow.js";
import { didYouMean } from "../common/text.js";
import { DATASETS } from "../data/registry.js";
import { joinedNames, namesIn } from "../distill/combination.js";
import type { Procedure } from "../distill/open.js";
import { methodInPapers, methodNames, methodRow } from "../distill/registry.js";
import { modelNames } from "../models/registry.js";

/** Choices of a row; empty for other types. */
export function choicesOf(row: Row): readonly string[] {
  if (row.choices === "models") return modelNames();
  if (row.choices === "methods") return methodNames();
  if (row.choices === "datasets") return DATASETS.names();
  return row.choices ?? [];
}

const BOUNDS: readonly (readonly [
  name: keyof Range,
  words: string,
  isMet: (value: number, bound: number) => boolean,
])[] = [
  ["min", "at least", (value, bound) => value >= bound],
  ["above", "above", (value, bound) => value > bound],
  ["max", "at most", (value, bound) => value <= bound],
  ["below", "below", (value, bound) => value < bound],
];

/** ", at least 1", ", above 0 and at most 1", or an empty string. */
function rangeText(range: Range): string {
  const bounds = BOUNDS.flatMap(([name, words]) => (range[name] === undefined ? [] : [`${words} ${range[name]}`]));
  return bounds.length === 0 ? "" : `, ${bounds.join(" and ")}`;
}

/** Accepted values, for messages, help and docs. */
export function expectation(row: Row): string {
  const names: Record<ValueType, string> = {
    integer: `an integer${rangeText(row)}`,
    number: `a number${rangeText(row)}`,
    integers: `comma-separated integers${row.min === undefined ? "" : `, each at least ${row.min}`}`,
    numbers: `comma-separated numbers${row.min === undefined ? "" : `, each${rangeText(row).slice(1)}`}`,
    weights: `a number${rangeText(row)}, or one per method of a sum (0.8+1)`,
    boolean: "true or false",
    string: "a text",
    path: "a path",
    paths: "a path",
    choice: `one of ${choicesOf(row).join(", ")}`,
  };
  return names[row.type];
}

const shown = (typed: string): string => (typed.length > 200 ? `${typed.slice(0, 200)}...` : typed);

const refuse = (label: string, row: Row, typed: string): PefdError =>
  inputError(`${label} takes ${expectation(row)}; "${shown(typed)}" is not.`);

const inRange = (value: number, range: Range): boolean =>
  BOUNDS.every(([name, , isMet]) => range[name] === undefined || isMet(value, range[name]));

/** Decimal notation only: what else Number() takes ("", "0x10", "Infinity") is a typo here. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Beyond these, numbers or their squares become 0 or infinite in float32, and their products NaN. */
const SIZES = { least: 1e-18, most: 1e18 };

/** Whether a number is safe in float32. */
const isUsable = (value: number): boolean =>
  value === 0 || (Math.abs(value) >= SIZES.least && Math.abs(value) <= SIZES.most);

function parseNumber(label: string, row: Row, typed: string): number {
  const value = DECIMAL.test(typed) ? Number(typed) : Number.NaN;
  if (!Number.isFinite(value) || !inRange(value, row)) throw refuse(label, row, typed);
  if (isUsable(value)) return value;
  throw inputError(`${label}: ${shown(typed)} is out of range: from ${SIZES.least} to ${SIZES.most} in magnitude.`);
}

function parseInteger(label: string, row: Row, typed: string): number {
  const value = parseNumber(label, row, typed);
  if (!Number.isSafeInteger(value)) throw refuse(label, row, typed);
  return value;
}

function parseBoolean(label: string, row: Row, typed: string): boolean {
  if (typed !== "true" && typed !== "false") throw refuse(label, row, typed);
  return typed === "true";
}

function parseText(label: string, row: Row, typed: string): string {
  if (typed === "") throw refuse(label, row, typed);
  return typed;
}

const KIND: Record<string, { name: string; hint?: string }> = {
  models: { name: "model", hint: "`pefd models` lists them." },
  methods: { name: "method" },
};

function parseChoice(label: string, row: Row, typed: string): string {
  const choices = choicesOf(row);
  if (choices.includes(typed)) return typed;
  if (row.choices === "methods" && namesIn(typed).length > 1) {
    for (const name of namesIn(typed)) parseChoice(label, row, name);
    methodRow(typed);
    return typed;
  }
  const kind = typeof row.choices === "string" ? KIND[row.choices] : undefined;
  const what = kind ? `unknown ${kind.name} ${shown(typed)}` : `"${shown(typed)}" is not a valid choice`;
  const hint = kind?.hint ?? `Choose one of ${choices.join(", ")}.`;
  const named = row.choices === "methods" ? methodInPapers(typed) : undefined;
  const message = `${label}: ${what}.${didYouMean(named ?? typed, choices)}`;
  throw typeof row.choices === "string" ? unknownNameError(typed, message, hint) : inputError(message, hint);
}

const listOf = (raw: unknown): string[] =>
  (Array.isArray(raw) ? raw : String(raw).split(",")).map((item) => String(item).trim());

/** A plus between two numbers, not the one of 1e+3. */
const BETWEEN = /,|(?<=[\d.]\s*)\+/;

function parseWeights(label: string, row: Row, raw: unknown): number | number[] {
  const parts: unknown[] = Array.isArray(raw) ? raw : String(raw).split(BETWEEN);
  const numbers = parts.map((part) => parseNumber(label, row, String(part).trim()));
  const [only, ...others] = numbers;
  return only !== undefined && others.length === 0 ? only : numbers;
}

function parsePaths(label: string, row: Row, raw: unknown): string | readonly string[] {
  const [first, ...others] = [raw].flat().map((item) => parseText(label, row, String(item)));
  return others.length === 0 ? (first as string) : [first as string, ...others];
}

function parseChoices(label: string, row: Row, raw: unknown): string {
  if (!row.several) return parseChoice(label, row, String(raw));
  const names = [raw].flat().flatMap((item) => String(item).split(/[+,]/));
  return joinedNames(names.map((name) => parseChoice(label, row, name.trim())));
}

const PARSERS: Record<ValueType, (label: string, row: Row, raw: unknown) => unknown> = {
  integer: (label, row, raw) => parseInteger(label, row, String(raw)),
  number: (label, row, raw) => parseNumber(label, row, String(raw)),
  integers: (label, row, raw) => listOf(raw).map((item) => parseInteger(label, row, item)),
  numbers: (label, row, raw) => listOf(raw).map((item) => parseNumber(label, row, item)),
  weights: parseWeights,
  boolean: (label, row, raw) => parseBoolean(label, row, String(raw)),
  string: (label, row, raw) => parseText(label, row, String(raw)),
  path: parsePaths,
  paths: (label, row, raw) => [raw].flat().map((item) => parseText(label, row, String(item))),
  choice: parseChoices,
};

const TAKES_LISTS: ReadonlySet<ValueType> = new Set(["integers", "numbers", "paths", "weights"]);

/**
 * Parses an option's value.
 * @param label option in messages, such as --epochs or PEFD_EPOCHS
 * @param raw text, or a JSON value
 * @throws inputError with the option, the given and the expected value
 */
export function parseValue(label: string, row: Row, raw: unknown): unknown {
  const isList = Array.isArray(raw);
  const parts: readonly unknown[] = isList ? raw : [raw];
  const isPlain = parts.every((part) => typeof part !== "object");
  const takesLists = TAKES_LISTS.has(row.type) || (row.several && parts.length > 0);
  if ((isList && !takesLists) || !isPlain) throw refuse(label, row, JSON.stringify(raw));
  return PARSERS[row.type](label, row, raw);
}

/** Values of one source: flags, the environment, a file. Stronger layers come first. */
export interface Layer {
  /** Name of a value in messages: "--epochs", "PEFD_EPOCHS", "epochs in smoke.json". */
  readonly label: (name: string) => string;
  /** A value's origin in `--dry_run`. */
  readonly origin: (name: string) => string;
  /** As typed or written; undefined if not given. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Replacement values when stronger layers select a variant of this layer's methods; absent where nothing changes. */
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
 * Whether a bound option of a layer counts, which it does not where the layer names another method or model: a preset
 * of kd has no weights for `--distill ours`.
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
