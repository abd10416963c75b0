import { join } from "node:path";
import type { DistillOptions, TeacherOptions } from "../config/options.js";
import { DISTILLATION } from "../config/options.js";
import type { Row } from "../config/row.js";

/** The paper's name of a student's folder. */
const STUDENT = "S:{model_s}_T:{model_t}_{dataset}_{distill}_r:{gamma}_a:{alpha}_b:{beta}_{trial}";

/** RepDistiller's name of a teacher's folder. */
const TEACHER = "{model}_{dataset}_lr_{learning_rate}_decay_{weight_decay}_trial_{trial}";

const filledIn = (pattern: string, values: object): string =>
  pattern.replace(/\{(\w+)\}/g, (_, name: string) =>
    String((values as Record<string, unknown>)[name]),
  );

/** Options of a method, which a folder's name tells where they differ from their defaults. */
const ownRows = (): [string, Row][] =>
  Object.entries(DISTILLATION.rows as Readonly<Record<string, Row>>).filter(
    ([name, row]) => row.boundTo === "distill" && !STUDENT.includes(`{${name}}`),
  );

/** Whether a student's folder is named after an option: runs that differ in it have folders of their own. */
export const isInStudentFolder = (name: string): boolean =>
  STUDENT.includes(`{${name}}`) || ownRows().some(([own]) => own === name);

/**
 * The paper's folder of a student: save/student_model/S:..._T:..._dataset_method_r:..._a:..._b:..._trial, with
 * `_num_proj:2` after it for every option of the method that is not as by default.
 */
export function studentFolder(options: DistillOptions): string {
  const values = options as unknown as Readonly<Record<string, unknown>>;
  const own = ownRows()
    .filter(([name, { fallback }]) => values[name] !== undefined && values[name] !== fallback)
    .map(([name]) => `_${name}:${values[name]}`);
  return join(options.save_dir, "student_model", [filledIn(STUDENT, options), ...own].join(""));
}

/** RepDistiller's folder of a teacher: save/models/model_dataset_lr_..._decay_..._trial_.... */
export const teacherFolder = (options: TeacherOptions): string =>
  join(options.save_dir, "models", filledIn(TEACHER, options));
