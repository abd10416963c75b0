import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "../../common/optionRow.js";
import { DISTILLATION, type DistillOptions, methodSection, type TeacherOptions } from "../../config/options.js";
import { rowsOf } from "../../config/resolve.js";

/** The paper's. */
const STUDENT = "S:{model_s}_T:{model_t}_{dataset}_{distill}_r:{gamma}_a:{alpha}_b:{beta}_{trial}";

/** RepDistiller's. */
const TEACHER = "{model}_{dataset}_lr_{learning_rate}_decay_{weight_decay}_trial_{trial}";

const filledIn = (pattern: string, values: object): string =>
  pattern.replace(/\{(\w+)\}/g, (_, name: string) =>
    [(values as Record<string, unknown>)[name] ?? "none"].flat().join("+"),
  );

/** Options of a method that affect results; folder names have those that differ from defaults. */
const ownRows = (method: string): [string, Row][] =>
  Object.entries(rowsOf([DISTILLATION, methodSection(method)])).filter(
    ([name, { boundTo, touches }]) => boundTo === "distill" && touches === "numbers" && !STUDENT.includes(`{${name}}`),
  );

/** Whether a student's folder name has an option. */
export const isInStudentFolder = (name: string, method: string): boolean =>
  STUDENT.includes(`{${name}}`) || ownRows(method).some(([own]) => own === name);

/** save/student_model/S:..._T:..._trial, with `_num_proj:2` and the like for own options that are no defaults. */
export function studentFolder(options: DistillOptions): string {
  const values = options as unknown as Readonly<Record<string, unknown>>;
  const own = ownRows(options.distill)
    .filter(([name, { fallback }]) => values[name] !== undefined && values[name] !== fallback)
    .map(([name]) => `_${name}:${values[name]}`);
  return join(options.save_dir, "student_model", [filledIn(STUDENT, options), ...own].join(""));
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

/** The model of a run's teacher: from the second born-again generation on the student's own, model_t the first's. */
export const teacherModelOf = <Name>(run: {
  readonly model_t?: Name;
  readonly model_s?: Name;
  readonly generation?: unknown;
}): Name | undefined => (Number(run.generation ?? 1) > 1 ? run.model_s : run.model_t);

/** RepDistiller's folder: save/models/model_dataset_lr_..._decay_..._trial_.... */
export const teacherFolder = (options: TeacherOptions): string =>
  join(options.save_dir, "models", filledIn(TEACHER, options));
