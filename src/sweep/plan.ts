import { basename, dirname, join } from "node:path";
import { inputError } from "../common/errors.js";
import { pluginWords } from "../common/plugins.js";
import { withoutPasswords } from "../common/text/cleanText.js";
import { requireTeacher, resolveDistill } from "../config/derive.js";
import { variableOf } from "../config/environment.js";
import type { DistillOptions } from "../config/options.js";
import { procedureName } from "../config/procedureName.js";
import type { Layer } from "../config/resolve.js";
import { isInStudentFolder, studentFolder } from "../train/files/runName.js";
import { type Combination, combinations } from "./axes.js";

/** One run of a sweep. */
export interface SweepRun {
  readonly options: DistillOptions;
  readonly runDir: string;
  /** What tells it apart, for people. */
  readonly label: string;
  /** The words after `pefd` that carry it out, or go on with it. */
  readonly words: readonly string[];
  /** Variables that it needs beside them: options with a password, which others can read in a command line. */
  readonly env: Readonly<Record<string, string>>;
}

/** Finds the model that a checkpoint says it is. */
export type NameInFile = (path: string) => Promise<string | undefined>;

const shownValue = (name: string, value: unknown): string => {
  const text = String(value);
  return name === "path_t" ? `${basename(dirname(text))}_${basename(text)}` : text;
};

/** Of the options that vary, those of some names as `batch_size=32`; a teacher's file goes with its model. */
function tellVaried(
  { varied }: Combination,
  options: DistillOptions,
  isWanted: (name: string) => boolean,
): string[] {
  const values = options as unknown as Readonly<Record<string, unknown>>;
  return varied
    .filter(isWanted)
    .filter((name) => name !== "path_t" || !varied.includes("model_t"))
    .map((name) => `${name}=${shownValue(name, values[name])}`);
}

/** What every label tells, whether it varies or not. */
const ALWAYS_TOLD: ReadonlySet<string> = new Set(["model_t", "model_s", "distill", "trial"]);

function labelOf(combination: Combination, options: DistillOptions): string {
  const { model_t, model_s, distill, trial } = options;
  const told = tellVaried(combination, options, (name) => !ALWAYS_TOLD.has(name));
  return [
    `${model_t} -> ${model_s}`,
    procedureName(distill, options),
    ...told,
    `trial ${trial}`,
  ].join(", ");
}

const flagWords = (name: string, value: unknown): string[] => {
  if (value === true) return [`--${name}`];
  if (value === false) return [`--${name}=false`];
  return [`--${name}`, Array.isArray(value) ? value.join(",") : String(value)];
};

/** Whether a value holds a password. */
const isSecret = (value: unknown): boolean =>
  typeof value === "string" && withoutPasswords(value) !== value;

/** Everything that was given, wherever it was given: as flags, so that the line stands for itself, and as variables. */
function wordsOf(
  options: DistillOptions,
  given: readonly string[],
): Pick<SweepRun, "words" | "env"> {
  const named = Object.entries(options).filter(([name]) => given.includes(name));
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
  const { model_t = "MODEL" } = resolved.options;
  const trainCommand = `pefd train-teacher --model ${model_t}`;
  const found = await requireTeacher(combination.layers, nameInFile, trainCommand);
  const own = tellVaried(combination, found, (name) => !isInStudentFolder(name, found.distill));
  const options = { ...found, save_dir: join(found.save_dir, ...own), resume: true };
  const given = [...Object.keys(resolved.ranks), "path_t", ...(own.length > 0 ? ["save_dir"] : [])];
  return {
    options,
    runDir: studentFolder(options),
    label: labelOf(combination, options),
    ...wordsOf(options, given),
  };
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
 * The runs of a sweep, in the order in which they are started; every value is checked before the first one starts.
 * Where an option varies that a run's folder is not named after, each value has a `--save_dir` of its own below
 * the given one, such as `save/batch_size=32`.
 * @throws inputError for a value that is not allowed, a teacher that is not there, or two runs with one folder
 */
export async function planSweep(
  layers: readonly Layer[],
  nameInFile: NameInFile,
): Promise<SweepRun[]> {
  const runs: SweepRun[] = [];
  for (const combination of combinations(layers)) {
    runs.push(await planRun(combination, nameInFile));
  }
  refuseShared(runs);
  return runs;
}
