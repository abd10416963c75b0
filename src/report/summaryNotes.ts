import { SOURCES } from "../config/published/figures.js";
import { LEVEL, rankings } from "./runs/ranking.js";
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
  if (ranks.length === 0) return [];
  const isUntested = ranks.some(({ place, p }) => place > 1 && p === undefined);
  return [
    `Rank: by the mean last top-1 among runs of one pair, epochs and images. =: not told apart from rank 1 (Welch's t-test over trials, two-sided, p >= ${LEVEL}, each alone).`,
    ...(isUntested ? ["A rank without two finished trials on both sides is not tested."] : []),
  ];
}

/** Sentences below the report's table: about ranks and published figures, where it has some. */
export const summaryNotes = (summaries: readonly Summary[]): string[] => [
  ...rankNotes(summaries),
  ...publishedNotes(summaries),
];
