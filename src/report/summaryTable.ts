import { cleanLine, grouped } from "../common/text.js";
import { SOURCES } from "../config/published/figures.js";
import { formatDuration } from "./duration.js";
import { formatSetting, type Repeat, type Setting, WEIGHTS, type Weight } from "./runs/grouping.js";
import { completeSettings, otherSettings, pairLabel, SETTING_NAMES } from "./runs/labels.js";
import { apart, type Rank, rankings } from "./runs/ranking.js";
import { bestOf, type RunRecord, secondsOf } from "./runs/runRecord.js";
import { type Difference, formatSpread, LEVEL, POWER } from "./runs/statistics.js";
import type { Summary } from "./runs/summarize.js";
import { type Column, columns, extra, pinned, type Table } from "./table.js";

/** "TTM (ttm, wttm)" for each source of published figures, and what it has them of. */
function sourcesOf(summaries: readonly Summary[]): string[] {
  const known = summaries.flatMap(({ published, method = "alone" }) =>
    published === undefined ? [] : [{ source: published.source, method }],
  );
  return [...grouped(known, ({ source }) => source)].map(
    ([source, those]) => `${SOURCES[source]} (${[...new Set(those.map(({ method }) => method))].join(", ")})`,
  );
}

function namesOf(summaries: readonly Summary[], all: readonly Summary[]): string {
  const pairs = new Set(all.filter(({ teacher }) => teacher !== undefined).map(pairLabel));
  const names = summaries.map((summary) => {
    const { method } = summary;
    if (method === undefined) return summary.model;
    return pairs.size > 1 ? `${pairLabel(summary)} ${method}` : method;
  });
  return [...new Set(names)].join(", ");
}

/** "* kd, hint: 2 epochs, published with 240." for all that differ alike from what was published. */
function departureNotes(summaries: readonly Summary[]): string[] {
  const others = summaries.filter(({ published, comparable }) => published !== undefined && !comparable);
  const clauses = grouped(others, ({ departures }) => departures.join("; "));
  return [...clauses].map(([text, those]) => `* ${namesOf(those, summaries)}: ${text}.`);
}

/** Notes on published figures, by epoch; those of the last epoch need none. */
const COUNTED = {
  best: "Published for the best epoch; compare with Best top-1",
  unknown: "Published without saying whether for the last or the best epoch",
};

function publishedNotes(summaries: readonly Summary[]): string[] {
  const sources = sourcesOf(summaries);
  const known = summaries.filter(({ published }) => published !== undefined);
  const teachers = known.flatMap(({ teacher, published }) =>
    published?.teacherTop1 === undefined ? [] : [`${teacher} ${published.teacherTop1.toFixed(2)}`],
  );
  return [
    ...departureNotes(summaries),
    ...(sources.length > 0 ? [`Published: ${sources.join(", ")}.`] : []),
    ...Object.entries(COUNTED).flatMap(([counted, text]) => {
      const those = known.filter(({ published }) => published?.counted === counted);
      return those.length > 0 ? [`${text}: ${namesOf(those, summaries)}.`] : [];
    }),
    ...(teachers.length > 0 ? [`Top-1 of the published runs' teachers: ${[...new Set(teachers)].join(", ")}.`] : []),
  ];
}

function rankNotes(summaries: readonly Summary[]): string[] {
  const ranks = [...rankings(summaries).values()];
  const unlike = apart(summaries);
  const split =
    unlike.length === 0 ? [] : [`Not ranked together, as they differ in what ranks must share: ${unlike.join("; ")}.`];
  if (ranks.length === 0) return split;
  const isUntested = ranks.some(({ place, p }) => place > 1 && p === undefined);
  const kinds = new Set(ranks.flatMap(({ difference }) => (difference === undefined ? [] : [difference.paired])));
  const [paired, welch] = ["paired t-test where trials are the same", "Welch's t-test"];
  const test = kinds.size > 1 ? `${paired}, else ${welch}` : kinds.has(false) ? welch : paired;
  return [
    "Rank: by mean last top-1 among runs of one pair with the same data, teacher, epochs, batch size and learning rate.",
    ...(kinds.size === 0
      ? []
      : [
          `=: not significantly different from rank 1 (two-sided ${test}, Holm's correction over the group, p >= ${LEVEL}). Difference: from rank 1, with its 95 % confidence interval (not corrected).`,
        ]),
    ...(isUntested ? ["The test needs two finished trials on both sides."] : []),
    ...powerNotes(summaries),
    ...split,
  ];
}

/** "kd 7" for all that more trials would tell from the first of their group. */
function powerNotes(summaries: readonly Summary[]): string[] {
  const open = [...rankings(summaries)].filter(([, { p = 0 }]) => p >= LEVEL);
  const texts = open.map(([summary, { trials }]) => `${namesOf([summary], summaries)} ${trials ?? "over 999"}`);
  if (texts.length === 0) return [];
  return [
    `Trials of each that would show such a difference from rank 1 with a power of ${100 * POWER} %: ${texts.join(", ")}.`,
  ];
}

const likeness = ({ run, sameWeights }: Repeat): string =>
  sameWeights ? "the same weights" : run.finished ? "the same seed, other weights" : "not finished";

const repeatNotes = (summaries: readonly Summary[]): string[] =>
  summaries
    .flatMap(({ repeats }) => repeats)
    .map(
      (repeat) =>
        `Skipped: ${repeat.run.dir} repeats trial ${repeat.run.trial} of ${repeat.of.dir} (${likeness(repeat)}).`,
    );

/** Sentences below the report's table: about ranks, published figures and repeats, where it has some. */
export const summaryNotes = (summaries: readonly Summary[]): string[] => [
  ...rankNotes(summaries),
  ...publishedNotes(summaries),
  ...repeatNotes(summaries),
];

const differingKeys = (summaries: readonly Summary[]): string[] => [
  ...new Set(summaries.flatMap(({ differs }) => Object.keys(differs))),
];

const weightCell = ({ weights }: Summary, name: Weight) => (weights[name] === undefined ? "-" : String(weights[name]));

const countCell = ({ n, unfinished }: Summary) => (unfinished === 0 ? String(n) : `${n} (+${unfinished} unfinished)`);

const publishedCell = ({ published, comparable }: Summary) =>
  published === undefined
    ? "-"
    : `${published.top1.toFixed(2)}${published.counted === "best" ? " (best)" : ""}${comparable ? "" : " *"}`;

/** "1", or "3 =" if not significantly different from the first of its pair. */
function rankCell(rank: Rank | undefined): string {
  if (rank === undefined) return "-";
  const mark = rank.p === undefined ? "" : rank.p < LEVEL ? "" : " =";
  return `${rank.place}${mark}`;
}

/** "-0.53 [-1.10, 0.04]". */
export const differenceCell = (difference: Difference | undefined): string =>
  difference === undefined
    ? "-"
    : `${difference.mean.toFixed(2)} [${difference.low.toFixed(2)}, ${difference.high.toFixed(2)}]`;

/** The report's text table: one line per experiment, and a column for each setting in which any two differ. */
export function summaryTable(summaries: readonly Summary[]): Table {
  const keys = differingKeys(summaries);
  const ranks = rankings(summaries);
  const isRanked = ranks.size > 0;
  const isTested = [...ranks.values()].some(({ difference }) => difference !== undefined);
  const rows = summaries.map((summary) => [
    summary.teacher ?? "-",
    summary.model,
    summary.method ?? "teacher",
    ...WEIGHTS.map((name) => weightCell(summary, name)),
    ...keys.map((key) => formatSetting(summary.settings[key])),
    countCell(summary),
    formatSpread(summary.last),
    ...(isRanked ? [rankCell(ranks.get(summary))] : []),
    ...(isTested ? [differenceCell(ranks.get(summary)?.difference)] : []),
    formatSpread(summary.best),
    publishedCell(summary),
    summary.secondsPerRun === undefined ? "-" : formatDuration(summary.secondsPerRun),
    summary.msPerStep?.toFixed(1) ?? "-",
  ]);
  const differing: Column[] = keys.map((title) => ({ title, align: "right" }));
  return {
    // A narrow terminal goes without settings first, and never without method, accuracy and rank.
    columns: [
      ...extra(columns("Teacher", "Model"), 2),
      ...pinned(columns("Method")),
      ...extra(columns(">r", ">a", ">b"), 4),
      ...extra(differing, 8),
      ...extra(columns(">n"), 1),
      ...pinned(columns(">Last top-1", ...(isRanked ? [">Rank"] : []))),
      ...extra(columns(...(isTested ? [">Difference"] : [])), 3),
      ...extra(columns(">Best top-1"), 6),
      ...extra(columns(">Published"), 5),
      ...extra(columns(">Time per run", ">ms/step"), 7),
    ],
    rows,
  };
}

const exact = (value: number | string | undefined) => (value === undefined ? "" : String(value));

const exactSetting = (value: Setting | null) =>
  value === null ? "" : Array.isArray(value) ? value.join(",") : String(value);

const otherText = (summary: Summary): string => {
  const others = otherSettings(summary.settings);
  return Object.keys(others).length === 0 ? "" : JSON.stringify(others);
};

const CSV: Readonly<Record<string, (summary: Summary, rank: Rank | undefined) => string>> = {
  kind: ({ kind }) => kind,
  teacher: ({ teacher }) => exact(teacher),
  model: ({ model }) => model,
  method: ({ method }) => exact(method),
  ...Object.fromEntries(WEIGHTS.map((name) => [name, ({ weights }: Summary) => exact(weights[name])])),
  n: ({ n }) => String(n),
  unfinished: ({ unfinished }) => String(unfinished),
  last_top1_mean: ({ last }) => exact(last?.mean),
  last_top1_std: ({ last }) => exact(last?.std),
  best_top1_mean: ({ best }) => exact(best?.mean),
  best_top1_std: ({ best }) => exact(best?.std),
  rank: (_, rank) => exact(rank?.place),
  rank_p: (_, rank) => exact(rank?.p),
  difference: (_, rank) => exact(rank?.difference?.mean),
  difference_low: (_, rank) => exact(rank?.difference?.low),
  difference_high: (_, rank) => exact(rank?.difference?.high),
  published_top1: ({ published }) => exact(published?.top1),
  published_by: ({ published }) => exact(published?.source),
  seconds_per_run: ({ secondsPerRun }) => exact(secondsPerRun),
  ms_per_step: ({ msPerStep }) => exact(msPerStep),
};

/** The same for programs: every column always, no rounding, mean and deviation apart, nothing where there is no value. */
export function summaryCsvTable(summaries: readonly Summary[]): Table {
  const ranks = rankings(summaries);
  const rows = summaries.map((summary) => [
    ...Object.values(CSV).map((cell) => cell(summary, ranks.get(summary))),
    ...Object.values(completeSettings(summary.settings)).map(exactSetting),
    otherText(summary),
  ]);
  return { columns: columns(...Object.keys(CSV), ...SETTING_NAMES, "other_settings"), rows };
}

/** One line per run, the experiments' labels beside it. */
export function runTable(summaries: readonly Summary[], labels: readonly string[]): Table {
  const runs = summaries.flatMap((summary, index) => summary.runs.map((run) => runCells(run, labels[index] ?? "")));
  return {
    columns: [
      ...pinned(columns("Experiment", ">Trial")),
      ...columns(">Epochs", ">Last top-1", ">Best top-1", ">Best epoch"),
      ...columns(">Train loss", ">Time", ">ms/step", "Folder"),
    ],
    rows: runs,
  };
}

function runCells(run: RunRecord, label: string): string[] {
  const last = run.rows.at(-1);
  const best = bestOf(run);
  return [
    label,
    String(run.trial),
    `${last?.epoch ?? 0}/${run.epochs}`,
    last?.test.top1.toFixed(2) ?? "-",
    best?.top1.toFixed(2) ?? "-",
    best === undefined ? "-" : String(best.epoch),
    last?.train.loss.toFixed(4) ?? "-",
    formatDuration(secondsOf(run)),
    last?.stepMs.toFixed(1) ?? "-",
    run.dir,
  ];
}

/** "DIR: unfinished, epoch 12 of 240" for each such run. */
export const unfinishedNotes = (runs: readonly RunRecord[]): string[] =>
  runs
    .filter((run) => !run.finished)
    .map(({ dir, rows, epochs, failure }) => {
      const why = failure === undefined ? "" : `; failed: ${failure}`;
      return cleanLine(`${dir}: unfinished, epoch ${rows.at(-1)?.epoch ?? 0} of ${epochs}${why}`);
    });
