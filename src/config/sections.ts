import { type Row, type Rows, type Section, section } from "../common/optionRow.js";
import type { Method } from "../distill/method.js";
import { METHODS, methodRow } from "../distill/registry.js";
import { CONFIGURATION, DATA, DOCUMENT, GENERAL, TEST_DATA } from "./commandOptions.js";
import { DISTILLATION, ENGINE, EVAL_ENGINE, EVALUATION, OUTPUT, TEACHER, TRAINING } from "./options.js";

/** A default with other published values for some pairs. */
const byPair = (row: Row): Row => ({ ...row, defaultText: `${row.fallback}, or the pair's` });

/** A method's own options, bound to it; they affect numbers unless stated otherwise. */
const ownSection = ({ name, options, published = [] }: Method): Section => {
  const isByPair = (option: string) => published.some((setting) => Object.hasOwn(setting.options ?? {}, option));
  const rows = Object.entries<Row>(options).map(([option, row]) => {
    const own = { boundTo: "distill", touches: "numbers" as const, ...row };
    return [option, isByPair(option) ? byPair(own) : own];
  });
  return section(`Method ${name}`, Object.fromEntries(rows));
};

/** @throws inputError for an unknown name */
export const methodSection = (name: string): Section => ownSection(methodRow(name));

const isGeneral = (option: string): boolean => Object.hasOwn(DISTILLATION.rows, option);

/** Each method's own options, without those of every distillation. */
export const METHOD_SECTIONS: readonly Section[] = METHODS.rows()
  .map(ownSection)
  .map(({ title, rows }) => {
    const own = Object.entries(rows).filter(([option]) => !isGeneral(option));
    return section(title, Object.fromEntries(own) as Rows);
  })
  .filter(({ rows }) => Object.keys(rows).length > 0);

/** Every option of configuration files, for all commands. */
export const ALL_SECTIONS: readonly Section[] = [
  DISTILLATION,
  ...METHOD_SECTIONS,
  TEACHER,
  TRAINING,
  DATA,
  ENGINE,
  OUTPUT,
  EVALUATION,
  CONFIGURATION,
  DOCUMENT,
  GENERAL,
];

/** With the options of all methods. */
export const DISTILL_SECTIONS: readonly Section[] = [DISTILLATION, ...METHOD_SECTIONS, TRAINING, DATA, ENGINE, OUTPUT];

/** With the options of one method. @throws inputError for an unknown name */
export const sectionsOfMethod = (name: string): readonly Section[] => [
  DISTILLATION,
  methodSection(name),
  TRAINING,
  DATA,
  ENGINE,
  OUTPUT,
];
export const TEACHER_SECTIONS = [TEACHER, TRAINING, DATA, ENGINE, OUTPUT] as const;
export const EVAL_SECTIONS = [EVALUATION, TEST_DATA, EVAL_ENGINE] as const;
