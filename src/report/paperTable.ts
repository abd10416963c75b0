import { grouped } from "../common/text.js";
import { type Rank, rankings } from "./runs/ranking.js";
import type { RunRecord } from "./runs/runRecord.js";
import { LEVEL, type Spread, spread } from "./runs/statistics.js";
import type { Summary } from "./runs/summarize.js";
import { summaryNotes } from "./summaryTable.js";
import { columns, renderMarkdown } from "./table.js";

/** Trainable parameters and multiply-adds for an image; undefined of a model that is not known here. */
export type SizeOf = (model: string) => { readonly parameters: number; readonly multiplyAdds: number } | undefined;

interface Line {
  /** Teacher, student, method. */
  readonly names: readonly [string, string, string];
  readonly model: string;
  readonly n: number;
  readonly last: Spread | undefined;
  /** Of the last top-1 from the student trained alone. */
  readonly gain: number | undefined;
  readonly rank: Rank | undefined;
  readonly published: Summary["published"];
  readonly comparable: boolean;
}

const NONE = { gain: undefined, rank: undefined, published: undefined, comparable: true };

/** Teachers whose own training is not in the report, as the runs that used them evaluated them. */
function evaluatedTeachers(summaries: readonly Summary[]): Line[] {
  const trained = new Set(summaries.filter(({ kind }) => kind === "teacher").map(({ model }) => model));
  const runs = summaries.flatMap(({ runs: own }) => own).filter(({ teacher = "" }) => !trained.has(teacher));
  return [...grouped(runs, ({ teacher }) => teacher)].flatMap(([model, own]) => {
    const found = [...new Set(own.map(({ result }) => Number(result?.teacherTop1)).filter(Number.isFinite))];
    if (model === undefined || found.length === 0) return [];
    return [{ ...NONE, names: ["", model, "alone"], model, n: found.length, last: spread(found) }];
  });
}

/** What a student alone must share with a distilled one to be compared with it. */
const LIKE = ["dataset", "train_data", "test_data", "limit_train", "limit_test", "epochs"];

/** Lines of networks trained alone, then of each pair's methods. */
function linesOf(summaries: readonly Summary[]): Line[][] {
  const ranks = rankings(summaries);
  const alone = summaries.filter(({ kind }) => kind === "teacher");
  const gainOver = ({ model, settings, last }: Summary): number | undefined => {
    const isLike = (one: Summary) => LIKE.every((name) => one.settings[name] === settings[name]);
    const base = alone.filter((one) => one.model === model && isLike(one));
    const means = base.flatMap((one) => (one.last === undefined ? [] : [one.last.mean]));
    return last === undefined || means.length === 0 ? undefined : last.mean - Math.max(...means);
  };
  const line = (summary: Summary): Line => {
    const { teacher = "", model, method = "alone", n, last, published, comparable } = summary;
    const gain = summary.kind === "teacher" ? undefined : gainOver(summary);
    return { names: [teacher, model, method], model, n, last, gain, rank: ranks.get(summary), published, comparable };
  };
  const distilled = summaries.filter(({ kind }) => kind === "distill");
  const pairs = grouped(distilled, ({ teacher, model }) => JSON.stringify([teacher, model])).values();
  const singles = [...alone.map(line), ...evaluatedTeachers(summaries)];
  return [singles, ...[...pairs].map((pair) => pair.map(line))].filter((group) => group.length > 0);
}

/** How a form writes what is special about a number. */
interface Form {
  readonly none: string;
  readonly accuracy: (mean: string, std: string | undefined, place: number, isEqual: boolean) => string;
  readonly published: (text: string, counted: string, comparable: boolean) => string;
  readonly plain: (text: string) => string;
}

const millions = (count: number): string => (count / 1e6).toFixed(2);

/** Titles and cells; sizes and gains have columns where any line has one. */
function cellsOf(groups: readonly Line[][], sizeOf: SizeOf, form: Form) {
  const all = groups.flat();
  const hasSizes = all.some(({ model }) => sizeOf(model) !== undefined);
  const hasGains = all.some(({ gain }) => gain !== undefined);
  const sizes = ({ model }: Line) => {
    const size = sizeOf(model);
    return size === undefined ? [form.none, form.none] : [millions(size.parameters), millions(size.multiplyAdds)];
  };
  const accuracy = ({ last, rank }: Line) =>
    last === undefined
      ? form.none
      : form.accuracy(last.mean.toFixed(2), last.std?.toFixed(2), rank?.place ?? 0, (rank?.p ?? 0) >= LEVEL);
  const gained = ({ gain }: Line) => (gain === undefined ? form.none : `${gain < 0 ? "" : "+"}${gain.toFixed(2)}`);
  const figure = ({ published, comparable }: Line) =>
    published === undefined ? form.none : form.published(published.top1.toFixed(2), published.counted, comparable);
  const cells = (line: Line) => [
    ...line.names.map((name) => (name === "" ? form.none : form.plain(name))),
    ...(hasSizes ? sizes(line) : []),
    String(line.n),
    accuracy(line),
    ...(hasGains ? [gained(line)] : []),
    figure(line),
  ];
  const titles = [
    ...["Teacher", "Student", "Method", ...(hasSizes ? [">Params (M)", ">MACs (M)"] : []), ">n", ">Top-1"],
    ...[...(hasGains ? [">Gain"] : []), ">Published"],
  ];
  return { titles, groups: groups.map((group) => group.map(cells)) };
}

const told = (values: readonly unknown[], none: string): string =>
  [...new Set(values.map((value) => (value === undefined ? none : String(value))))].join(", ");

const versionOf = ({ config }: RunRecord): string => {
  const { versions, origin } = config as { versions?: { pefd?: string }; origin?: { commit?: string } };
  return `${versions?.pefd ?? "unknown"}${origin?.commit === undefined ? "" : ` (${origin.commit.slice(0, 8)})`}`;
};

/** What a reader must know: epochs, images, trials, the program, what the marks mean. */
function footnote(summaries: readonly Summary[], groups: readonly Line[][]): string {
  const settings = summaries.map((summary) => summary.settings);
  const runs = summaries.flatMap((summary) => summary.runs);
  const datasets = told(
    runs.map(({ config }) => config.dataset),
    "cifar100",
  );
  const images = told(
    settings.map(({ limit_train }) => limit_train),
    "all",
  );
  const gains = groups.flat().some(({ gain }) => gain !== undefined);
  return [
    `Test top-1 in percent on ${datasets} after the last of ${told(
      settings.map(({ epochs }) => epochs),
      "?",
    )} epochs on ${images} training images, mean ± standard deviation of n trials; bold: best, underlined: second of a pair.`,
    "Parameters, and multiply-adds for an image, in millions.",
    ...(gains ? ["Gain: over the student trained alone as long, in points."] : []),
    `pefd ${told(runs.map(versionOf), "")}.`,
    ...summaryNotes(summaries),
  ].join(" ");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "→": "$\\to$",
  "±": "$\\pm$",
};

/** A text as LaTeX prints it. */
const escaped = (text: string): string =>
  text.replace(/[\\~^→±&%$#_{}]/g, (character) => ESCAPES[character] ?? `\\${character}`);

const LATEX: Form = {
  none: "--",
  accuracy: (center, std, place, isEqual) => {
    const marked = { 1: `\\mathbf{${center}}`, 2: `\\underline{${center}}` }[place] ?? center;
    return `$${marked}${std === undefined ? "" : ` \\pm ${std}`}${isEqual ? "^{=}" : ""}$`;
  },
  published: (text, counted, comparable) =>
    `${text}${counted === "best" ? " (best)" : ""}${comparable ? "" : "$^{*}$"}`,
  plain: escaped,
};

const MARKDOWN: Form = {
  none: "-",
  accuracy: (center, std, place, isEqual) => {
    const marked = { 1: `**${center}**`, 2: `<u>${center}</u>` }[place] ?? center;
    return `${marked}${std === undefined ? "" : ` ± ${std}`}${isEqual ? " =" : ""}`;
  },
  published: (text, counted, comparable) => `${text}${counted === "best" ? " (best)" : ""}${comparable ? "" : " *"}`,
  plain: (text) => text,
};

/** The report's table for a paper (package booktabs), with its notes below. */
export function latexTable(summaries: readonly Summary[], sizeOf: SizeOf): string {
  const lines = linesOf(summaries);
  const { titles, groups } = cellsOf(lines, sizeOf, LATEX);
  const row = (cells: readonly string[]) => `${cells.join(" & ")} \\\\`;
  const heads = titles.map((title) => title.replace(/^>/, "").replace(/^n$/, "$n$"));
  return [
    `\\begin{tabular}{${titles.map((title) => (title.startsWith(">") ? "r" : "l")).join("")}}`,
    "\\toprule",
    row(heads),
    ...groups.flatMap((group) => ["\\midrule", ...group.map(row)]),
    "\\bottomrule",
    "\\end{tabular}",
    "",
    `{\\footnotesize ${escaped(footnote(summaries, lines))}}`,
  ].join("\n");
}

/** The same table for a README or an issue. */
export function markdownTable(summaries: readonly Summary[], sizeOf: SizeOf): string {
  const lines = linesOf(summaries);
  const { titles, groups } = cellsOf(lines, sizeOf, MARKDOWN);
  return [renderMarkdown({ columns: columns(...titles), rows: groups.flat() }), "", footnote(summaries, lines)].join(
    "\n",
  );
}
