import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { inputError } from "../common/errors.js";
import type { Row, Rows } from "../common/optionRow.js";
import { pluginWords } from "../common/plugins.js";
import { withoutPasswords } from "../common/text.js";
import { DATA } from "../config/commandOptions.js";
import { requireTeacher, resolveDistill } from "../config/derive.js";
import { variableOf } from "../config/environment.js";
import {
  DISTILLATION,
  type DistillOptions,
  ENGINE,
  METHOD_SECTIONS,
  TRAINING,
  teacherNameOf,
} from "../config/options.js";
import { RECIPE } from "../config/recipe.js";
import { procedureName } from "../config/record.js";
import { givenBy, type Layer, rowsOf } from "../config/resolve.js";
import { procedures, weightedMethod } from "../distill/registry.js";
import { addedBy } from "../learn/methodSurvey.js";
import { generationsOf, isInStudentFolder, studentFolder } from "../train/files/runName.js";

/** Runs that can be carried out, and a sentence for each method that cannot. */
type Zoo = { readonly runs: readonly SweepRun[]; readonly leftOut: readonly string[] };

function obstacle({ options }: SweepRun): string | undefined {
  const { model_s, model_t = model_s, epochs } = options;
  const { method } = weightedMethod(options);
  const added = addedBy(method, options, { teacher: model_t, student: model_s });
  if (typeof added === "string") return added;
  const before = added.phases.reduce((sum, phase) => sum + phase, 0);
  return before < epochs ? undefined : `its first phases take all ${epochs} epochs.`;
}

/** The runs of a sweep over all methods without those that do not fit their pair or have too few epochs. */
export function fittingRuns(runs: readonly SweepRun[]): Zoo {
  const found = new Map<string, string | undefined>();
  const obstacleOf = (run: SweepRun): string | undefined => {
    const { trial: _trial, ...options } = run.options;
    const key = JSON.stringify(options);
    if (!found.has(key)) found.set(key, obstacle(run));
    return found.get(key);
  };
  const sentences = runs.flatMap((run) => {
    const why = obstacleOf(run);
    return why === undefined ? [] : [`${procedureName(run.options.distill, run.options)}: ${why}`];
  });
  return { runs: runs.filter((run) => obstacleOf(run) === undefined), leftOut: [...new Set(sentences)] };
}

interface Combination {
  readonly layers: readonly Layer[];
  /** Options that have another value in other runs of the sweep. */
  readonly varied: readonly string[];
}

const TAKES_ONE_VALUE = new Set(["integer", "number", "weights", "choice"]);

function sweepableRows(): Rows {
  const { trial, ...rows } = rowsOf([DISTILLATION, ...METHOD_SECTIONS, TRAINING, RECIPE, DATA, ENGINE]);
  // Trials vary fastest: the repetitions of an experiment follow each other.
  const ordered = Object.entries({ ...rows, trial } as Rows);
  const fit = ordered.filter(([name, row]) => TAKES_ONE_VALUE.has(row.type) || name === "path_t");
  return Object.fromEntries(fit);
}

const ROWS = sweepableRows();

/** Options of which a sweep takes several values, in the order in which runs follow each other. */
const SWEEPABLE: readonly string[] = Object.keys(ROWS);

const MOST_RUNS = 10_000;

const tooMany = (count: number) =>
  inputError(
    `This sweep has ${count.toLocaleString("en")} runs; the maximum is ${MOST_RUNS.toLocaleString("en")}.`,
    "Split it into several sweeps, or drop some values.",
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
const keyOf = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));

function elements(label: string, row: Row, raw: unknown): unknown[] {
  if (Array.isArray(raw)) return raw.flatMap((item) => elements(label, row, item));
  if (typeof raw !== "string" || (row.type === "path" && existsSync(raw))) return [raw];
  const parts = raw.split(",").map((part) => part.trim());
  const all = row.type === "integer" ? parts.flatMap((part) => fromRange(label, part)) : parts;
  return [...new Map(all.map((value) => [keyOf(value), value])).values()];
}

/** Options implied by a value: a variant's name implies its method and the variant's options. */
function said(name: string, value: unknown): Layer["values"] {
  const variant = name === "distill" ? procedures().find((one) => one.name === value) : undefined;
  return variant === undefined ? { [name]: value } : { distill: variant.method.name, ...variant.set };
}

const withValue = (layer: Layer, name: string, value: unknown): Layer => ({
  ...layer,
  values: { ...layer.values, ...said(name, value) },
});

const rowOf = (name: string): Row => ROWS[name] as Row;

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
      `--path_t has ${paths?.length} values and --model_t ${models?.length}; they are paired one to one.`,
      "Give one model per path, or drop --model_t if the paths name the models.",
    );
  }
  const varied = [...combination.varied, "path_t", "model_t"];
  return (paths ?? []).map((path, index) => ({
    layers: pick(pick(combination.layers, "path_t", path), "model_t", models?.[index]),
    varied,
  }));
}

/**
 * The cross product of options given as lists: `ours,kd`, `1-3`, or a list in a file. A file's weights of other methods
 * are skipped.
 * @throws inputError for an invalid range, teachers whose paths and models do not pair up, or too many runs
 */
export function combinations(layers: readonly Layer[]): Combination[] {
  const names = SWEEPABLE.filter((name) => name !== "path_t" && name !== "model_t");
  const start = spreadTeachers({ layers, varied: [] });
  const count = names.reduce((all, name) => all * (given(layers, name)?.length ?? 1), start.length);
  if (count > MOST_RUNS) throw tooMany(count);
  return names.reduce((all, name) => all.flatMap((one) => spread(one, name)), start);
}

export interface SweepRun {
  readonly options: DistillOptions;
  readonly runDir: string;
  readonly label: string;
  /** The words after `pefd` that carry it out, or go on with it. */
  readonly words: readonly string[];
  /** Variables that it needs beside them: options with a password, which others can read in a command line. */
  readonly env: Readonly<Record<string, string>>;
}

export type NameInFile = (path: string) => Promise<string | undefined>;

const shownValue = (name: string, value: unknown): string => {
  const text = String(value);
  return name === "path_t" ? `${basename(dirname(text))}_${basename(text)}` : text;
};

/** Of the options that vary, those of some names as `batch_size=32`; a teacher's file goes with its model. */
function tellVaried({ varied }: Combination, options: DistillOptions, isWanted: (name: string) => boolean): string[] {
  const values = options as unknown as Readonly<Record<string, unknown>>;
  return varied
    .filter(isWanted)
    .filter((name) => name !== "path_t" || !varied.includes("model_t"))
    .map((name) => `${name}=${shownValue(name, values[name])}`);
}

/** Settings in every label, whether they vary or not. */
const ALWAYS_TOLD: ReadonlySet<string> = new Set(["model_t", "model_s", "distill", "trial"]);

function labelOf(combination: Combination, options: DistillOptions): string {
  const { model_s, distill, trial } = options;
  const name_t = teacherNameOf(options);
  const told = tellVaried(combination, options, (name) => !ALWAYS_TOLD.has(name));
  return [
    name_t === undefined ? model_s : `${name_t} -> ${model_s}`,
    procedureName(distill, options),
    ...told,
    `trial ${trial}`,
  ].join(", ");
}

const flagWords = (name: string, value: unknown): string[] => {
  if (value === true) return [`--${name}`];
  if (value === false) return [`--${name}=false`];
  const all = ROWS[name]?.several ? [value].flat() : [[value].flat().join(",")];
  return all.flatMap((one) => [`--${name}`, String(one)]);
};

const isSecret = (value: unknown): boolean => typeof value === "string" && withoutPasswords(value) !== value;

/** Everything that was given, wherever it was given: as flags, so that the line stands for itself, and as variables. */
function wordsOf(options: DistillOptions, given: readonly string[]): Pick<SweepRun, "words" | "env"> {
  const named = Object.entries(options).filter(([name, value]) => given.includes(name) && value !== undefined);
  const secret = named.filter(([, value]) => isSecret(value));
  const flags = named.filter(([, value]) => !isSecret(value));
  const typed = flags.flatMap(([name, value]) => flagWords(name, value));
  return {
    words: ["distill", ...pluginWords(), ...typed, "--resume"],
    env: Object.fromEntries(secret.map(([name, value]) => [variableOf(name), String(value)])),
  };
}

async function planRun(combination: Combination, nameInFile: NameInFile): Promise<SweepRun> {
  const resolved = resolveDistill(combination.layers);
  const trainCommand = (model = "MODEL") => `pefd train-teacher --model ${model}`;
  const found = await requireTeacher(combination.layers, nameInFile, trainCommand);
  const own = tellVaried(combination, found, (name) => !isInStudentFolder(name, found.distill));
  const options = { ...found, save_dir: join(found.save_dir, ...own), resume: true };
  const given = [...Object.keys(resolved.ranks), "path_t", ...(own.length > 0 ? ["save_dir"] : [])];
  const last = generationsOf(options).at(-1) as DistillOptions;
  return { options, runDir: studentFolder(last), label: labelOf(combination, options), ...wordsOf(options, given) };
}

function refuseShared(runs: readonly SweepRun[]): void {
  const labels = new Map<string, string>();
  for (const { runDir, label } of runs) {
    const other = labels.get(runDir);
    if (other !== undefined) {
      throw inputError(`Two runs of this sweep would share ${runDir}: ${other}; ${label}.`);
    }
    labels.set(runDir, label);
  }
}

/**
 * The runs of a sweep in the order of their start, all values checked. An option that varies but names no folder gives
 * each value its own `--save_dir` below the given one, such as `save/batch_size=32`.
 * @throws inputError for an invalid value, a missing teacher, or two runs with one folder
 */
export async function planSweep(layers: readonly Layer[], nameInFile: NameInFile): Promise<SweepRun[]> {
  const runs: SweepRun[] = [];
  for (const combination of combinations(layers)) runs.push(await planRun(combination, nameInFile));
  refuseShared(runs);
  return runs;
}
