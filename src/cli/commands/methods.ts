import { choice, section } from "../../common/optionRow.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveSection } from "../../config/resolve.js";
import type { Method } from "../../distill/method.js";
import { type Procedure, proceduresOf } from "../../distill/procedures.js";
import { goldenOf, yearOf } from "../../distill/published.js";
import { METHODS, procedures } from "../../distill/registry.js";
import { type MethodSurvey, type PairNames, surveyMethod } from "../../learn/methodSurvey.js";
import { columns, renderText } from "../../report/table.js";
import type { Command } from "../command.js";

const PAIR = section("Pair", {
  model_t: choice<string, string>("models", "resnet32x4", "The teacher's model.", {
    flagOnly: true,
  }),
  model_s: choice<string, string>("models", "resnet8x4", "The student's model.", {
    flagOnly: true,
  }),
});

/** A method with what follows from the pair. */
interface Surveyed extends MethodSurvey {
  readonly method: Method;
}

const weightsText = ({ gamma, alpha, beta }: MethodSurvey["setting"]["weights"]) =>
  `-r ${gamma} -a ${alpha} -b ${beta}`;

const optionsText = ({ options }: MethodSurvey["setting"]) =>
  Object.entries(options).map(([name, value]) => `--${name} ${value}`);

function row({ method, sees, cacheable, setting, added }: Surveyed): string[] {
  const fits = typeof added !== "string";
  const golden = goldenOf(method);
  return [
    method.name,
    String(yearOf(method)),
    sees.join(" ") || "-",
    fits ? (added.parameters + added.buffered).toLocaleString("en") : "does not fit",
    [weightsText(setting.weights), ...optionsText(setting)].join(" "),
    fits && added.phases.length > 0 ? added.phases.join(" + ") : "-",
    cacheable ? "yes" : "no",
    golden.length > 0 ? "yes" : "no",
  ];
}

/** What others published of a method with options set. */
function variantDocument(variant: Procedure) {
  const { name, set, paper, code = null, formula = null, traps = [] } = variant;
  const { weights, defaults = {}, published: pairs = [] } = variant;
  return {
    ...{ name, set, paper, year: yearOf(variant), code, formula, traps },
    ...{ published: { weights, defaults, pairs }, golden: goldenOf(variant) },
  };
}

function document({ method, sees, cacheable, setting, added }: Surveyed) {
  const { name, summary, paper, code = null, formula = null, traps = [] } = method;
  const { weights, published = [], options } = method;
  const fits = typeof added !== "string";
  return {
    ...{ name, summary, paper, year: yearOf(method), code, formula, traps, sees },
    adds: fits ? { parameters: added.parameters, buffered: added.buffered } : null,
    doesNotFit: fits ? null : added,
    published: { weights, pairs: published },
    setting: { weights: setting.weights, options: setting.options },
    phases: fits ? added.phases : [],
    cacheable,
    golden: goldenOf(method),
    variants: proceduresOf(method).slice(1).map(variantDocument),
    options: Object.entries(options).map(([option, { help, fallback }]) => {
      return { name: option, help, default: fallback ?? null };
    }),
  };
}

/** Each paper with the methods that it describes. */
function papers(): string[] {
  const rows = procedures();
  return [...new Set(rows.map(({ paper }) => paper))].map((paper) => {
    const names = rows.filter((method) => method.paper === paper).map(({ name }) => name);
    return `${names.join(", ")}:\n  ${paper}`;
  });
}

const EXPLANATION = (pair: string) =>
  `For ${pair}. Adds: elements of what learns with the student and of memory banks. Phases: epochs before the main part.
Cache: whether --teacher_cache can keep what it looks at. Golden: held against numbers of the authors' code.`;

function textOf(surveys: readonly Surveyed[], { teacher, student }: PairNames): string {
  const titles = columns(
    ...["method", ">year", "looks at", ">adds", "published weights", ">phases", "cache", "golden"],
  );
  const table = renderText({ columns: titles, rows: surveys.map(row) });
  return [table, "", EXPLANATION(`${teacher} -> ${student}`), "", ...papers()].join("\n");
}

/** pefd methods: the registry, with what follows for a pair. */
export const command: Command = {
  sections: [PAIR, DOCUMENT, GENERAL],
  examples: [
    ["pefd methods", "names for --distill, what each looks at and its published weights"],
    ["pefd methods --model_t vgg13 --model_s vgg8", "the same for another pair"],
  ],
  async run({ layers, output }) {
    const { model_t: teacher, model_s: student } = resolveSection(PAIR, layers);
    const surveys = METHODS.rows().map((method) => {
      return { method, ...surveyMethod(method, { teacher, student }) };
    });
    output.result(textOf(surveys, { teacher, student }), {
      ...{ teacher, student },
      methods: surveys.map(document),
    });
    return undefined;
  },
};
