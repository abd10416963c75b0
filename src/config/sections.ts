import { type Row, type Rows, type Section, section } from "../common/optionRow.js";
import type { Method } from "../distill/method.js";
import { METHODS, methodRow } from "../distill/registry.js";
import { CONFIGURATION, DATA, DOCUMENT, GENERAL, TEST_DATA } from "./commandOptions.js";
import { DISTILLATION, ENGINE, EVAL_ENGINE, EVALUATION, OUTPUT, TEACHER, TRAINING } from "./options.js";

/** The default of an option that other values were published of for some pairs. */
const byPair = (row: Row): Row => ({ ...row, defaultText: `${row.fallback}, or the pair's` });

/**
 * A method's own options, as a run of that method has them: they belong to it, and touch the numbers unless they say
 * otherwise.
 */
const ownSection = ({ name, options, published = [] }: Method): Section => {
  const isByPair = (option: string) => published.some((setting) => Object.hasOwn(setting.options ?? {}, option));
  const rows = Object.entries<Row>(options).map(([option, row]) => {
    const own = { boundTo: "distill", touches: "numbers" as const, ...row };
    return [option, isByPair(option) ? byPair(own) : own];
  });
  return section(`Method ${name}`, Object.fromEntries(rows));
};

/** The options of one method. @throws inputError for an unknown name */
export const methodSection = (name: string): Section => ownSection(methodRow(name));

const isGeneral = (option: string): boolean => Object.hasOwn(DISTILLATION.rows, option);

/** Options of methods, each under its method's name; without those that every distillation has. */
export const METHOD_SECTIONS: readonly Section[] = METHODS.rows()
  .map(ownSection)
  .map(({ title, rows }) => {
    const own = Object.entries(rows).filter(([option]) => !isGeneral(option));
    return section(title, Object.fromEntries(own) as Rows);
  })
  .filter(({ rows }) => Object.keys(rows).length > 0);

/** Every option that a configuration file may set, whatever command it is for. */
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

/** Sections of a distillation with any method. */
export const DISTILL_SECTIONS: readonly Section[] = [DISTILLATION, ...METHOD_SECTIONS, TRAINING, DATA, ENGINE, OUTPUT];

/** Sections of a distillation with one method. @throws inputError for an unknown name */
export const sectionsOfMethod = (name: string): readonly Section[] => [
  DISTILLATION,
  methodSection(name),
  TRAINING,
  DATA,
  ENGINE,
  OUTPUT,
];
/** Sections of a teacher's training. */
export const TEACHER_SECTIONS = [TEACHER, TRAINING, DATA, ENGINE, OUTPUT] as const;
/** Sections of an evaluation. */
export const EVAL_SECTIONS = [EVALUATION, TEST_DATA, EVAL_ENGINE] as const;
