import type { Summary } from "./summarize.js";
import { welchTest } from "./welch.js";

/** Where an experiment stands among those of its pair. */
export interface Rank {
  /** From 1, by the mean accuracy after the last epoch. */
  readonly place: number;
  /** How many are ranked. */
  readonly of: number;
  /** Welch's two-sided p value of "as good as the first"; undefined for the first, and where there are too few trials. */
  readonly p: number | undefined;
}

/** From this p value on an experiment counts as not told apart from the first. */
export const LEVEL = 0.05;

/** Accuracies (percent) after the last epoch of the finished runs. */
const lastOf = ({ runs }: Summary): number[] =>
  runs.filter((run) => run.finished).map((run) => run.rows.at(-1)?.test.top1 ?? Number.NaN);

/** Settings that runs must share to be compared; whatever else differs is what is compared. */
const SHARED = ["dataset", "limit_train", "limit_test", "batch_size"] as const;

/** Epochs of the main part: those of a method's first phase come before it. */
function mainEpochs({ settings }: Summary): number {
  const [epochs, before] = [settings.epochs, settings.init_epochs].map((value) =>
    typeof value === "number" ? value : 0,
  ) as [number, number];
  return epochs - before;
}

/** Distillations of one pair, by what they can be compared in. */
const comparedBy = (summary: Summary): string =>
  JSON.stringify([
    ...[summary.teacher, summary.model, mainEpochs(summary)],
    ...SHARED.map((name) => summary.settings[name] ?? null),
  ]);

function rankGroup(group: readonly Summary[]): [Summary, Rank][] {
  const mean = (summary: Summary) => summary.last?.mean ?? Number.NaN;
  const sorted = [...group].sort((a, b) => mean(b) - mean(a));
  const [first] = sorted;
  if (first === undefined || sorted.length < 2) return [];
  const best = lastOf(first);
  return sorted.map((summary) => {
    const place = 1 + sorted.findIndex((other) => mean(other) === mean(summary));
    const p = summary === first ? undefined : welchTest(lastOf(summary), best);
    return [summary, { place, of: sorted.length, p }];
  });
}

/**
 * Ranks the distillations of each pair that have a finished run, where there are two or more of the same epochs and
 * images: by mean accuracy after the last epoch, with Welch's t-test against the first.
 */
export function rankings(summaries: readonly Summary[]): ReadonlyMap<Summary, Rank> {
  const groups = new Map<string, Summary[]>();
  for (const summary of summaries) {
    if (summary.kind !== "distill" || summary.last === undefined) continue;
    const key = comparedBy(summary);
    groups.set(key, [...(groups.get(key) ?? []), summary]);
  }
  return new Map([...groups.values()].flatMap(rankGroup));
}
