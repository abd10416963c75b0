import { inputError } from "../../common/errors.js";
import { choice, flagSection, string } from "../../common/optionRow.js";
import { twoColumns, wrapWords } from "../../common/text.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { methodSection } from "../../config/options.js";
import { SOURCES } from "../../config/published/figures.js";
import { figuresOf, type PublishedFigure } from "../../config/published/lookup.js";
import { type Layer, resolveSection } from "../../config/resolve.js";
import { shiftVariants } from "../../data/augmentation.js";
import { CIFAR100_FORMAT } from "../../data/cifar/row.js";
import { namesIn } from "../../distill/combination.js";
import type { Procedure } from "../../distill/open.js";
import { goldenOf, yearOf } from "../../distill/published.js";
import { procedureRow, procedures } from "../../distill/registry.js";
import { CLASSES, IMAGES, type MethodSurvey, type PairNames, surveyMethod } from "../../learn/methodSurvey.js";
import { MODELS } from "../../models/registry.js";
import { surveyModel } from "../../models/survey.js";
import { fitLines, renderFitted } from "../../report/fit.js";
import { columns } from "../../report/table.js";
import { type CacheDemand, cacheDemand } from "../../train/teacherCache/demand.js";
import { gigabytes } from "../../train/teacherCache/store.js";
import type { Command } from "../command.js";
import { flagText, optionText } from "../optionHelp.js";
import { papers } from "../published.js";

interface Surveyed extends MethodSurvey {
  readonly procedure: Procedure;
  readonly figure: PublishedFigure | undefined;
  readonly cache: CacheDemand;
}

const isVariant = ({ procedure: { name, method } }: Surveyed): boolean => name !== method.name;

const top1Document = ({ top1, source, counted, settings, teacherTop1 }: PublishedFigure) => ({
  top1,
  source,
  url: SOURCES[source],
  epochs: settings.epochs,
  counted,
  settings,
  teacherTop1: teacherTop1 ?? null,
});

function published({ procedure, setting, figure }: Surveyed) {
  const { name, paper, code, formula, traps = [] } = procedure;
  const { weights, defaults = {}, published: pairs = [] } = procedure;
  return {
    name,
    paper,
    year: yearOf(procedure) ?? null,
    code,
    formula,
    traps,
    published: { weights, defaults, pairs },
    setting: { weights: setting.weights, options: setting.options },
    top1: figure === undefined ? null : top1Document(figure),
    golden: goldenOf(procedure),
  };
}

function methodDocument(surveyed: Surveyed, variants: readonly Surveyed[]) {
  const { procedure, sees, cache, added } = surveyed;
  const { summary, options } = procedure;
  const fits = typeof added !== "string";
  return {
    ...published(surveyed),
    summary,
    sees,
    cacheable: cache.isKept,
    cacheBytes: cache.bytes ?? null,
    adds: fits ? { parameters: added.parameters, buffered: added.buffered } : null,
    doesNotFit: fits ? null : added,
    phases: fits ? added.phases : [],
    options: Object.entries(options).map(([option, { help, fallback }]) => {
      return { name: option, help, default: fallback ?? null };
    }),
    variants: variants.map((one) => ({ ...published(one), set: one.procedure.set })),
  };
}

const methodsDocument = (surveys: readonly Surveyed[]) =>
  surveys
    .filter((one) => !isVariant(one))
    .map((one) => {
      const { method } = one.procedure;
      const variants = surveys.filter((other) => other.procedure.method.name === method.name);
      return methodDocument(one, variants.filter(isVariant));
    });

/** Ways in which training shows CIFAR-100's images. */
const SHOWN = IMAGES * shiftVariants(CIFAR100_FORMAT.augmentation);

const PAIR = flagSection("Pair", {
  model_t: choice<string, string>("models", "resnet32x4", "The teacher's model; several joined with +.", {
    several: true,
  }),
  model_s: choice<string, string>("models", "resnet8x4", "The student's model."),
});

/** Keys that methods are listed by, the highest first; those without one, last. */
const ORDERS: Readonly<Record<string, (one: Surveyed) => number | undefined>> = {
  registry: () => undefined,
  year: ({ procedure }) => yearOf(procedure),
  published: ({ figure }) => figure?.top1,
};

const LISTING = flagSection("Listing", {
  pair: string(undefined, "Teacher and student, as in resnet32x4-resnet8x4.", {
    valueName: "TEACHER-STUDENT",
    defaultText: "--model_t and --model_s",
  }),
  sort: choice<string, string>(
    Object.keys(ORDERS),
    "registry",
    "Order: the registry's, newest first, or highest published top-1 first.",
  ),
});

/** The models of --pair, weaker than typed ones. @throws inputError for no such pair */
function layerOf(pair: string): Layer {
  const isModel = (name: string) => MODELS.find(name) !== undefined;
  const words = pair.split("-");
  const cuts = words.map((_, i) => [words.slice(0, i).join("-"), words.slice(i).join("-")] as const);
  const found = cuts.find(([teacher, student]) => namesIn(teacher).every(isModel) && isModel(student));
  if (found === undefined) {
    throw inputError(
      `--pair ${pair} does not name a teacher and a student.`,
      "Such as --pair resnet32x4-resnet8x4; `pefd models` lists them.",
    );
  }
  const [model_t, model_s] = found;
  return { label: () => "--pair", origin: () => "from --pair", values: { model_t, model_s } };
}

const flags = (values: object): string[] =>
  Object.entries(values).map(([name, value]) => (value === true ? `--${name}` : `--${name} ${value}`));

function settingText({ procedure: { set, defaults }, setting }: Surveyed): string {
  const { gamma, alpha, beta } = setting.weights;
  const options = { ...set, ...defaults, ...setting.options };
  return [`-r ${gamma} -a ${alpha} -b ${beta}`, ...flags(options)].join(" ");
}

function cacheText({ isKept, bytes }: CacheDemand): string {
  if (bytes === undefined) return "no";
  return isKept ? gigabytes(bytes) : `no: ${gigabytes(bytes)}`;
}

function row(surveyed: Surveyed): string[] {
  const { procedure, sees, cache, added, figure } = surveyed;
  const fits = typeof added !== "string";
  return [
    procedure.name,
    String(yearOf(procedure) ?? "-"),
    sees.join(" ") || "-",
    fits ? (added.parameters + added.buffered).toLocaleString("en") : "does not fit",
    fits && added.phases.length > 0 ? added.phases.join(" + ") : "-",
    cacheText(cache),
    goldenOf(procedure).length > 0 ? "yes" : "no",
    figure === undefined ? "-" : figure.top1.toFixed(2),
    settingText(surveyed),
  ];
}

/** Everything about one name of --distill: its row, formula, paper, options and traps, in lines of at most `width`. */
function detailOf(surveyed: Surveyed, width = Number.POSITIVE_INFINITY): string {
  const { name, summary, formula, paper, code, traps = [], method } = surveyed.procedure;
  const options = Object.entries(methodSection(method.name).rows);
  const entries = options.map(([option, each]) => [flagText(option, each), optionText(each)] as const);
  const left = Math.max(0, ...entries.map(([flag]) => flag.length));
  const facts = row(surveyed).flatMap((cell, at) => (at === 0 ? [] : [`${TITLES[at]?.title}: ${cell}`]));
  const about = [`${name}: ${summary}`, `loss: ${formula}`, ...facts, `paper: ${paper}`, `code: ${code}`, ...traps];
  const shown = about.flatMap((line) => wrapWords(line, width));
  return [...shown, "", "Options:", ...twoColumns(entries, { left, indent: 2, width })].join("\n");
}

const EXPLANATION = (pair: string) =>
  `For ${pair}. Adds: parameters trained with the student, plus memory banks. Phases: epochs before the main phase.
Cache: what --teacher_cache keeps on the disk at most for CIFAR-100, or would, if it kept maps. Golden: held against numbers of the authors' code.
Top-1: published accuracy in percent, of the last or the best epoch; --json has which one, sources, epochs and learning rates. Loss weights default to the published ones.`;

const TITLES = columns(
  ...["method", ">year", "compares", ">adds", ">phases", ">cache", "golden", ">top-1"],
  "published with",
);

function textOf(surveys: readonly Surveyed[], { teacher, student }: PairNames, width: number | undefined): string {
  const below = [EXPLANATION(`${teacher} -> ${student}`), "", ...papers(procedures())].join("\n");
  const table = renderFitted({ columns: TITLES, rows: surveys.map(row) }, width);
  return [table, "", fitLines(below, width)].join("\n");
}

/** pefd methods: the registry, for a pair. */
export const command: Command = {
  sections: [PAIR, LISTING, DOCUMENT, GENERAL],
  positionals: { usage: "[METHOD]", min: 0, max: 1, completes: "methods" },
  examples: [
    ["pefd methods", "names for --distill, what each compares, published weights"],
    ["pefd methods dkd", "one method: formula, paper, options"],
    ["pefd methods --pair vgg13-vgg8 --sort published", "by published accuracy, for another pair"],
  ],
  async run({ layers, output, positionals: [only] }) {
    const { pair, sort } = resolveSection(LISTING, layers);
    const named = pair === undefined ? layers : [...layers, layerOf(pair)];
    const { model_t: teacher, model_s: student } = resolveSection(PAIR, named);
    const teachers = namesIn(teacher).map((name) => ({ ...surveyModel(name), numClasses: CLASSES }));
    const figures = figuresOf(`${teacher}-${student}`);
    const asked = only === undefined ? procedures() : [procedureRow(only)];
    const key = (one: Surveyed) => ORDERS[sort]?.(one) ?? 0;
    const surveyed = asked.map((procedure) => {
      const figure = figures.get(procedure.name);
      const survey = surveyMethod(procedure, { teacher, student });
      const cache = cacheDemand(procedure, survey.used, teachers, SHOWN);
      return { procedure, figure, cache, ...survey };
    });
    const surveys = surveyed.toSorted((a, b) => key(b) - key(a));
    const [first] = surveys as [Surveyed];
    output.result(only ? detailOf(first, output.width) : textOf(surveys, { teacher, student }, output.width), {
      teacher,
      student,
      methods: methodsDocument(surveys),
    });
  },
};
