import { existsSync } from "node:fs";
import { inputError } from "../common/errors.js";
import type { Row, Rows } from "../common/optionRow.js";
import { DATA } from "../config/dataOptions.js";
import { DISTILLATION, ENGINE, TRAINING } from "../config/options.js";
import { givenBy, type Layer, rowsOf } from "../config/resolve.js";
import { METHOD_SECTIONS } from "../config/sections.js";
import { procedures } from "../distill/registry.js";

/** The values of one run: every list replaced by one of its elements. */
export interface Combination {
  readonly layers: readonly Layer[];
  /** Options that have another value in other runs of the sweep. */
  readonly varied: readonly string[];
}

const TAKES_ONE_VALUE = new Set(["integer", "number", "weights", "choice"]);

function sweepableRows(): Rows {
  const { trial, ...rows } = rowsOf([DISTILLATION, ...METHOD_SECTIONS, TRAINING, DATA, ENGINE]);
  // Trials vary fastest: the repetitions of an experiment follow each other.
  const ordered = Object.entries({ ...rows, trial } as Rows);
  const fit = ordered.filter(([name, row]) => TAKES_ONE_VALUE.has(row.type) || name === "path_t");
  return Object.fromEntries(fit);
}

const ROWS = sweepableRows();

/** Options of which a sweep takes several values, in the order in which runs follow each other. */
export const SWEEPABLE: readonly string[] = Object.keys(ROWS);

const MOST_RUNS = 10_000;

const tooMany = (count: number) =>
  inputError(
    `This sweep has ${count.toLocaleString("en")} runs; ${MOST_RUNS.toLocaleString("en")} are the most.`,
    "Make several sweeps of it, or leave values out.",
  );

/** "1-3" as 1, 2, 3; anything else as it is. */
function fromRange(label: string, part: string): unknown[] {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(part) ?? [];
  if (first === undefined || last === undefined) return [part];
  const count = Number(last) - Number(first) + 1;
  if (count < 1) throw inputError(`${label}: ${part} is not a range.`);
  if (count > MOST_RUNS) throw tooMany(count);
  return Array.from({ length: count }, (_, index) => Number(first) + index);
}

/** 1 and "1" are the same value; what is no value at all is refused when it is parsed. */
const keyOf = (value: unknown): string =>
  typeof value === "object" ? JSON.stringify(value) : String(value);

/** The elements of what was given: a list of a file, text with commas, a range of whole numbers; each once. */
function elements(label: string, row: Row, raw: unknown): unknown[] {
  if (Array.isArray(raw)) return raw.flatMap((item) => elements(label, row, item));
  if (typeof raw !== "string" || (row.type === "path" && existsSync(raw))) return [raw];
  const parts = raw.split(",").map((part) => part.trim());
  const all = row.type === "integer" ? parts.flatMap((part) => fromRange(label, part)) : parts;
  return [...new Map(all.map((value) => [keyOf(value), value])).values()];
}

/** What a value of an option says: a variant's name among methods says its method, and the options that make it. */
function said(name: string, value: unknown): Layer["values"] {
  const variant = name === "distill" ? procedures().find((one) => one.name === value) : undefined;
  return variant === undefined
    ? { [name]: value }
    : { distill: variant.method.name, ...variant.set };
}

const withValue = (layer: Layer, name: string, value: unknown): Layer => ({
  ...layer,
  values: { ...layer.values, ...said(name, value) },
});

const rowOf = (name: string): Row => ROWS[name] as Row;

/** The elements of the layer that decides about an option; undefined where nothing gives it. */
function given(layers: readonly Layer[], name: string): unknown[] | undefined {
  const layer = layers[givenBy(name, rowOf(name), layers)];
  return layer && elements(layer.label(name), rowOf(name), layer.values[name]);
}

/** One element in the layer that decides; weaker layers keep a first one, as they are checked too. */
function pick(layers: readonly Layer[], name: string, value: unknown): Layer[] {
  const rank = givenBy(name, rowOf(name), layers);
  return layers.map((layer, index) => {
    const own = layer.values[name];
    if (own === undefined) return layer;
    const first = () => elements(layer.label(name), rowOf(name), own)[0];
    return withValue(layer, name, index === rank ? value : first());
  });
}

function spread({ layers, varied }: Combination, name: string): Combination[] {
  const values = given(layers, name);
  if (values === undefined) return [{ layers: pick(layers, name, undefined), varied }];
  const others = values.length > 1 ? [...varied, name] : varied;
  return values.map((value) => ({ layers: pick(layers, name, value), varied: others }));
}

/** Teachers' files and models belong together: the first path is of the first model, and so on. */
function spreadTeachers(combination: Combination): Combination[] {
  const paths = given(combination.layers, "path_t");
  const models = given(combination.layers, "model_t");
  const alone = (paths?.length ?? 0) < 2 || (models?.length ?? 0) < 2;
  if (alone && (paths === undefined || (models?.length ?? 0) < 2)) {
    return spread(combination, "path_t").flatMap((one) => spread(one, "model_t"));
  }
  if (paths?.length !== models?.length) {
    throw inputError(
      `--path_t has ${paths?.length} values and --model_t ${models?.length}; they belong together one by one.`,
      "Give as many models as paths, or leave --model_t out where the paths name the models.",
    );
  }
  const varied = [...combination.varied, "path_t", "model_t"];
  return (paths ?? []).map((path, index) => ({
    layers: pick(pick(combination.layers, "path_t", path), "model_t", models?.[index]),
    varied,
  }));
}

/**
 * The cross product of all options that were given as lists: `ours,kd`, `1-3`, or a list in a file.
 * Weights in a file that belong to another method than the run's are left out, as without a sweep.
 * @param layers where values come from, the strongest first
 * @throws inputError for a range that is none, for teachers whose paths and models do not pair up, or for more runs
 *   than anybody waits for, before they are listed
 */
export function combinations(layers: readonly Layer[]): Combination[] {
  const names = SWEEPABLE.filter((name) => name !== "path_t" && name !== "model_t");
  const start = spreadTeachers({ layers, varied: [] });
  const count = names.reduce((all, name) => all * (given(layers, name)?.length ?? 1), start.length);
  if (count > MOST_RUNS) throw tooMany(count);
  return names.reduce((all, name) => all.flatMap((one) => spread(one, name)), start);
}
