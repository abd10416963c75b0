import { groupBy } from "./grouping.js";
import { pairLabel } from "./labels.js";
import { type Difference, differenceOf, holm, LEVEL, type Trials } from "./statistics.js";
import type { Summary } from "./summarize.js";

export interface Rank {
  /** From 1, by the mean accuracy after the last epoch. */
  readonly place: number;
  /** How many are ranked. */
  readonly of: number;
  /** Two-sided, by Holm for all that are compared with the first; undefined for the first, and with too few trials. */
  readonly p: number | undefined;
  /** From the first, in points. */
  readonly difference: Difference | undefined;
  /** Trials that would tell it from the first where these do not; undefined also beyond 999. */
  readonly trials: number | undefined;
}

const lastOf = ({ runs }: Summary): Trials =>
  new Map(
    runs.filter((run) => run.finished).map(({ trial, rows }) => [trial, rows.at(-1)?.test.top1 ?? Number.NaN] as const),
  );

/** Settings that runs must share to be compared, besides epochs; whatever else differs is what is compared. */
const SHARED = [
  "dataset",
  "train_data",
  "test_data",
  "teacher_weights",
  "limit_train",
  "limit_test",
  "batch_size",
  "learning_rate",
] as const;

/** Epochs of the main part: those of a method's first phase come before it. */
function mainEpochs({ settings }: Summary): number {
  const [epochs, before] = [settings.epochs, settings.init_epochs].map((value) =>
    typeof value === "number" ? value : 0,
  ) as [number, number];
  return epochs - before;
}

/** What experiments of one ranking have in common. */
export const sharedOf = (summary: Summary): Readonly<Record<string, unknown>> => ({
  teacher: summary.teacher,
  model: summary.model,
  epochs: mainEpochs(summary),
  ...Object.fromEntries(SHARED.map((name) => [name, summary.settings[name] ?? null])),
});

const ranked = (summaries: readonly Summary[]): Summary[] =>
  summaries.filter(({ kind, last }) => kind === "distill" && last !== undefined);

/** What keeps experiments from being ranked together, per pair: "resnet14 → resnet8: epochs, batch_size". */
export const apart = (summaries: readonly Summary[]): string[] =>
  groupBy(ranked(summaries), ({ teacher, model }) => [teacher, model]).flatMap((pair) => {
    const shared = pair.map(sharedOf);
    const names = Object.keys(shared[0] ?? {}).filter(
      (name) => new Set(shared.map((each) => JSON.stringify(each[name]))).size > 1,
    );
    return names.length === 0 ? [] : [`${pairLabel(pair[0] as Summary)}: ${names.join(", ")}`];
  });

function rankGroup(group: readonly Summary[]): [Summary, Rank][] {
  const mean = (summary: Summary) => summary.last?.mean ?? Number.NaN;
  const sorted = [...group].sort((a, b) => mean(b) - mean(a));
  const [first] = sorted;
  if (first === undefined || sorted.length < 2) return [];
  const others = sorted.slice(1).map((summary) => differenceOf(lastOf(summary), lastOf(first)));
  const adjusted = holm(others.flatMap((difference) => (difference === undefined ? [] : [difference.p])));
  let tested = 0;
  return sorted.map((summary, at) => {
    const place = 1 + sorted.findIndex((other) => mean(other) === mean(summary));
    const difference = others[at - 1];
    const p = difference === undefined ? undefined : adjusted[tested++];
    const isOpen = p !== undefined && p >= LEVEL;
    const trials = isOpen ? difference?.trialsAt(LEVEL / adjusted.length) : undefined;
    return [summary, { place, of: sorted.length, p, difference, trials }];
  });
}

/** Ranks distillations of equal sharedOf by mean last-epoch accuracy, each tested against the first. */
export const rankings = (summaries: readonly Summary[]): ReadonlyMap<Summary, Rank> =>
  new Map(groupBy(ranked(summaries), sharedOf).flatMap(rankGroup));
