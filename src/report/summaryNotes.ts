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

/** Where published figures are from, and what their "*" means. */
function publishedNotes(summaries: readonly Summary[]): string[] {
  const sources = sourcesOf(summaries);
  const marked = summaries.flatMap(({ published, comparable }) =>
    published === undefined || comparable ? [] : [published.epochs],
  );
  const epochs = [...new Set(marked)].join(" or ");
  return [
    ...(marked.length > 0
      ? [`* published for ${epochs} epochs on all images; these runs had fewer epochs or images.`]
      : []),
    ...(sources.length > 0 ? [`Published: ${sources.join(", ")}.`] : []),
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
