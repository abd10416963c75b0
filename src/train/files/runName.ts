import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "../../common/optionRow.js";
import {
  DISTILLATION,
  type DistillOptions,
  methodSection,
  type TeacherOptions,
  teacherNameOf,
} from "../../config/options.js";
import { RECIPE } from "../../config/recipe.js";
import { rowsOf } from "../../config/resolve.js";
import { readConfig } from "../../runFiles/identity.js";

/** The paper's. */
const STUDENT = "S:{model_s}_T:{model_t}_{dataset}_{distill}_r:{gamma}_a:{alpha}_b:{beta}_{trial}";

/** RepDistiller's. */
const TEACHER = "{model}_{dataset}_lr_{learning_rate}_decay_{weight_decay}_trial_{trial}";

const filledIn = (pattern: string, values: object): string =>
  pattern.replace(/\{(\w+)\}/g, (_, name: string) =>
    [(values as Record<string, unknown>)[name] ?? "none"].flat().join("+"),
  );

const RECIPE_ROWS = Object.entries<Row>(RECIPE.rows);

/** Options of a method that affect results, and of a recipe; folder names have those that differ from defaults. */
const ownRows = (method: string): [string, Row][] => [
  ...Object.entries(rowsOf([DISTILLATION, methodSection(method)])).filter(
    ([name, { boundTo, touches }]) => boundTo === "distill" && touches === "numbers" && !STUDENT.includes(`{${name}}`),
  ),
  ...RECIPE_ROWS,
];

/** File systems take 255 bytes. */
const LONGEST = 200;

/** A folder's name with those that differ, as `_opt:adamw`; a checksum stands for the end of a long one. */
function named(name: string, rows: readonly [string, Row][], options: object): string {
  const values = options as Readonly<Record<string, unknown>>;
  const own = rows
    .filter(([option, { fallback }]) => values[option] !== undefined && values[option] !== fallback)
    .map(([option]) => `_${option}:${values[option]}`);
  const whole = [name, ...own].join("");
  if (whole.length <= LONGEST) return whole;
  return `${whole.slice(0, LONGEST)}_${createHash("sha256").update(whole).digest("hex").slice(0, 12)}`;
}

/** Whether a student's folder name has an option. */
export const isInStudentFolder = (name: string, method: string): boolean =>
  STUDENT.includes(`{${name}}`) || ownRows(method).some(([own]) => own === name);

/** "_limit_train:2000": a run on a part of the images keeps no folder from the run on all. */
const limitWords = (values: object): string =>
  Object.entries(values)
    .filter(([name, value]) => /^limit_/.test(name) && value !== undefined)
    .map(([name, value]) => `_${name}:${value}`)
    .sort()
    .join("");

/** The folder of this version, unless an earlier one, which named no limits, has begun the same run in its own. */
function withLimits(folder: string, values: object): string {
  const named = folder + limitWords(values);
  const begun = existsSync(named) ? undefined : readConfig(folder);
  return begun?.state === "whole" && limitWords(begun.content) === limitWords(values) ? folder : named;
}

/** save/student_model/S:..._T:..._trial, with `_num_proj:2` and the like for own options that are no defaults. */
export function studentFolder(options: DistillOptions): string {
  const name = filledIn(STUDENT, { ...options, model_t: teacherNameOf(options) });
  return withLimits(join(options.save_dir, "student_model", named(name, ownRows(options.distill), options)), options);
}

/**
 * A distillation's runs: one, or one for each of --generations, whose teacher is the student before it (Furlanello et
 * al., Born-Again Neural Networks, ICML 2018). Those begun before go on, unless --force starts over.
 */
export function generationsOf(options: DistillOptions): DistillOptions[] {
  const runs: DistillOptions[] = [];
  for (let generation = 1; generation <= (options.generations ?? 0); generation++) {
    const before = runs.at(-1);
    const teacher = before && { path_t: join(studentFolder(before), `${options.model_s}_last.safetensors`) };
    const run = { ...options, generation, ...teacher };
    runs.push({ ...run, resume: !options.force && existsSync(studentFolder(run)) });
  }
  return runs.length === 0 ? [options] : runs;
}

export { teacherModelOf } from "../../config/options.js";

/** RepDistiller's folder: save/models/model_dataset_lr_..._decay_..._trial_.... */
export const teacherFolder = (options: TeacherOptions): string =>
  withLimits(join(options.save_dir, "models", named(filledIn(TEACHER, options), RECIPE_ROWS, options)), options);
