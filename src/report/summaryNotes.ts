import { SOURCES } from "../config/published/figures.js";
import type { Repeat } from "./runs/grouping.js";
import { apart, LEVEL, rankings } from "./runs/ranking.js";
import type { Summary } from "./runs/summarize.js";

/** "TTM (ttm, wttm)" for each source of published figures, and what it has them of. */
function sourcesOf(summaries: readonly Summary[]): string[] {
  const known = summaries.flatMap(({ published, method = "alone" }) =>
    published === undefined ? [] : [{ source: published.source, method }],
  );
  return [...new Set(known.map(({ source }) => source))].map((source) => {
    const methods = known.filter((one) => one.source === source).map(({ method }) => method);
    return `${SOURCES[source]} (${[...new Set(methods)].join(", ")})`;
  });
}

/** Names of experiments for sentences: methods, with their pair where there are several, each once. */
function namesOf(summaries: readonly Summary[], all: readonly Summary[]): string {
  const pairOf = ({ teacher, model }: Summary) =>
    teacher === undefined ? model : `${teacher} → ${model}`;
  const pairs = new Set(all.filter(({ teacher }) => teacher !== undefined).map(pairOf));
  const names = summaries.map((summary) => {
    const { method } = summary;
    if (method === undefined) return summary.model;
    return pairs.size > 1 ? `${pairOf(summary)} ${method}` : method;
  });
  return [...new Set(names)].join(", ");
}

/** "* kd, hint: 2 epochs, published with 240." for all that differ alike from what was published. */
function departureNotes(summaries: readonly Summary[]): string[] {
  const clauses = new Map<string, Summary[]>();
  for (const summary of summaries) {
    if (summary.published === undefined || summary.comparable) continue;
    const text = summary.departures.join("; ");
    clauses.set(text, [...(clauses.get(text) ?? []), summary]);
  }
  return [...clauses].map(([text, those]) => `* ${namesOf(those, summaries)}: ${text}.`);
}

/** What the epoch of a published figure makes of it; figures of the last epoch need no words. */
const COUNTED = {
  best: "Published of the best epoch, to be compared with Best top-1",
  unknown: "Published without saying whether of the last epoch or the best",
};

/** Where published figures are from, of which epoch and with which teachers, and what their "*" means. */
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
    ...(teachers.length > 0
      ? [`Top-1 of the published runs' teachers: ${[...new Set(teachers)].join(", ")}.`]
      : []),
  ];
}

/** What the ranks of the table mean; nothing where none are. */
function rankNotes(summaries: readonly Summary[]): string[] {
  const ranks = [...rankings(summaries).values()];
  const unlike = apart(summaries);
  const split =
    unlike.length === 0
      ? []
      : [`Not ranked together, as they differ in what ranks must share: ${unlike.join("; ")}.`];
  if (ranks.length === 0) return split;
  const isUntested = ranks.some(({ place, p }) => place > 1 && p === undefined);
  return [
    `Rank: by the mean last top-1 among runs of one pair with the same data, teacher, epochs, batch size and learning rate. =: not told apart from rank 1 (Welch's t-test over trials, two-sided, p >= ${LEVEL}, each alone).`,
    ...(isUntested ? ["A rank without two finished trials on both sides is not tested."] : []),
    ...split,
  ];
}

/** How a run that is left out differs from the one that counts. */
const likeness = ({ run, sameWeights }: Repeat): string =>
  sameWeights ? "the same weights" : run.finished ? "the same seed, other weights" : "not finished";

/** Runs that are left out, as their trial counts already. */
const repeatNotes = (summaries: readonly Summary[]): string[] =>
  summaries
    .flatMap(({ repeats }) => repeats)
    .map(
      (repeat) =>
        `Left out: ${repeat.run.dir} repeats trial ${repeat.run.trial} of ${repeat.of.dir} (${likeness(repeat)}).`,
    );

/** Sentences below the report's table: about ranks, published figures and repeats, where it has some. */
export const summaryNotes = (summaries: readonly Summary[]): string[] => [
  ...rankNotes(summaries),
  ...publishedNotes(summaries),
  ...repeatNotes(summaries),
];
