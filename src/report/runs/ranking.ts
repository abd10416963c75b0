import { groupBy } from "./grouping.js";
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

/** Settings that runs must share to be compared, besides epochs; whatever else differs is what is compared. */
const SHARED = [
  ...["dataset", "train_data", "test_data", "teacher_weights", "limit_train", "limit_test"],
  ...["batch_size", "learning_rate"],
] as const;

/** Epochs of the main part: those of a method's first phase come before it. */
function mainEpochs({ settings }: Summary): number {
  const [epochs, before] = [settings.epochs, settings.init_epochs].map((value) =>
    typeof value === "number" ? value : 0,
  ) as [number, number];
  return epochs - before;
}

/** What a distillation shares with those that it can be compared with, by name. */
const sharedOf = (summary: Summary): Readonly<Record<string, unknown>> => ({
  teacher: summary.teacher,
  model: summary.model,
  epochs: mainEpochs(summary),
  ...Object.fromEntries(SHARED.map((name) => [name, summary.settings[name] ?? null])),
});

/** Distillations with a finished run: what is ranked. */
const ranked = (summaries: readonly Summary[]): Summary[] =>
  summaries.filter(({ kind, last }) => kind === "distill" && last !== undefined);

/**
 * What keeps experiments of one pair from being ranked together, a clause for each such pair: "resnet14 → resnet8:
 * epochs, batch_size".
 */
export const apart = (summaries: readonly Summary[]): string[] =>
  groupBy(ranked(summaries), ({ teacher, model }) => [teacher, model]).flatMap((pair) => {
    const shared = pair.map(sharedOf);
    const names = Object.keys(shared[0] ?? {}).filter(
      (name) => new Set(shared.map((each) => JSON.stringify(each[name]))).size > 1,
    );
    const [{ teacher, model }] = pair as [Summary];
    return names.length === 0 ? [] : [`${teacher} → ${model}: ${names.join(", ")}`];
  });

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
 * Ranks the distillations of each pair that have a finished run, where there are two or more of the same data, teacher,
 * epochs, batch size and learning rate: by mean accuracy after the last epoch, with Welch's t-test against the first.
 */
export const rankings = (summaries: readonly Summary[]): ReadonlyMap<Summary, Rank> =>
  new Map(groupBy(ranked(summaries), sharedOf).flatMap(rankGroup));
