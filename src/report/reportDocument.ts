import type { Collection } from "./runs/collect.js";
import { WEIGHTS } from "./runs/grouping.js";
import { completeSettings, otherSettings } from "./runs/labels.js";
import { type Rank, rankings } from "./runs/ranking.js";
import { bestOf, type RunRecord, secondsOf, secondsToGo, stateOf } from "./runs/runRecord.js";
import type { Summary } from "./runs/summarize.js";

const spreadJson = (value: Summary["last"]) =>
  value === undefined ? null : { mean: value.mean, std: value.std ?? null };

function rankJson({ place, of, difference, ...rank }: Rank) {
  const [p, trials] = [rank.p ?? null, rank.trials ?? null];
  if (difference === undefined) return { place, of, p, difference: null, trials };
  const { mean, low, high, paired } = difference;
  return { place, of, p, difference: { mean, low, high, paired }, trials };
}

function summaryJson(summary: Summary, rank: Rank | undefined) {
  const { kind, teacher, model, method, weights, differs, n, unfinished, comparable } = summary;
  return {
    kind,
    teacher: teacher ?? null,
    model,
    method: method ?? null,
    weights: Object.fromEntries(WEIGHTS.map((name) => [name, weights[name] ?? null])),
    settings: completeSettings(summary.settings),
    otherSettings: otherSettings(summary.settings),
    differs,
    n,
    unfinished,
    last: spreadJson(summary.last),
    best: spreadJson(summary.best),
    rank: rank === undefined ? null : rankJson(rank),
    published: summary.published?.top1 ?? null,
    publishedBy: summary.published?.source ?? null,
    publishedEpoch: summary.published?.counted ?? null,
    comparable,
    departures: summary.departures,
    secondsPerRun: summary.secondsPerRun ?? null,
    msPerStep: summary.msPerStep ?? null,
    trials: summary.runs.map(({ trial }) => trial),
    runDirs: summary.runs.map(({ dir }) => dir),
  };
}

function runJson(run: RunRecord) {
  const last = run.rows.at(-1);
  return {
    runDir: run.dir,
    kind: run.kind,
    teacher: run.teacher ?? null,
    model: run.model,
    method: run.method ?? null,
    trial: run.trial,
    epochs: run.epochs,
    epochsDone: last?.epoch ?? 0,
    finished: run.finished,
    failed: run.failure ?? null,
    train: last?.train ?? null,
    test: last?.test ?? null,
    best: bestOf(run) ?? null,
    seconds: secondsOf(run),
  };
}

/** The report for programs: experiments, runs, repeats that do not count, unreadable folders. Accuracies in percent. */
export const reportDocument = (summaries: readonly Summary[], { runs, problems }: Collection): unknown => {
  const ranks = rankings(summaries);
  const experiments = summaries.map((summary) => summaryJson(summary, ranks.get(summary)));
  const repeats = summaries
    .flatMap((summary) => summary.repeats)
    .map(({ run, of, sameWeights }) => ({ runDir: run.dir, repeats: of.dir, sameWeights }));
  return { experiments, runs: runs.map(runJson), repeats, problems };
};

/** `pefd watch --json`: each run's state and its remaining seconds; `now` in milliseconds since 1970. */
export const watchDocument = ({ runs, problems }: Collection, now: number): unknown => ({
  runs: runs.map((run) => ({ ...runJson(run), state: stateOf(run, now), secondsToGo: secondsToGo(run, now) ?? null })),
  problems,
});
