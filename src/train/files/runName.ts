import { join } from "node:path";
import type { Row } from "../../common/optionRow.js";
import type { DistillOptions, TeacherOptions } from "../../config/options.js";
import { DISTILLATION } from "../../config/options.js";
import { rowsOf } from "../../config/resolve.js";
import { methodSection } from "../../config/sections.js";

/** The paper's name of a student's folder. */
const STUDENT = "S:{model_s}_T:{model_t}_{dataset}_{distill}_r:{gamma}_a:{alpha}_b:{beta}_{trial}";

/** RepDistiller's name of a teacher's folder. */
const TEACHER = "{model}_{dataset}_lr_{learning_rate}_decay_{weight_decay}_trial_{trial}";

const filledIn = (pattern: string, values: object): string =>
  pattern.replace(/\{(\w+)\}/g, (_, name: string) => [(values as Record<string, unknown>)[name]].flat().join("+"));

/** A method's options that affect results: a folder's name has those with other values than the defaults. */
const ownRows = (method: string): [string, Row][] =>
  Object.entries(rowsOf([DISTILLATION, methodSection(method)])).filter(
    ([name, { boundTo, touches }]) => boundTo === "distill" && touches === "numbers" && !STUDENT.includes(`{${name}}`),
  );

/** Whether an option is part of a student's folder name. */
export const isInStudentFolder = (name: string, method: string): boolean =>
  STUDENT.includes(`{${name}}`) || ownRows(method).some(([own]) => own === name);

/**
 * The paper's folder of a student: save/student_model/S:..._T:..._dataset_method_r:..._a:..._b:..._trial, with
 * `_num_proj:2` after it for every option of the method that is not as by default.
 */
export function studentFolder(options: DistillOptions): string {
  const values = options as unknown as Readonly<Record<string, unknown>>;
  const own = ownRows(options.distill)
    .filter(([name, { fallback }]) => values[name] !== undefined && values[name] !== fallback)
    .map(([name]) => `_${name}:${values[name]}`);
  return join(options.save_dir, "student_model", [filledIn(STUDENT, options), ...own].join(""));
}

/** RepDistiller's folder of a teacher: save/models/model_dataset_lr_..._decay_..._trial_.... */
export const teacherFolder = (options: TeacherOptions): string =>
  join(options.save_dir, "models", filledIn(TEACHER, options));
