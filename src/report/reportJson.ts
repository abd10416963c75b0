import type { Collection } from "./collect.js";
import { bestOf, type RunRecord, secondsOf } from "./runRecord.js";
import type { Summary } from "./summarize.js";

const spreadJson = (value: Summary["last"]) =>
  value === undefined ? null : { mean: value.mean, std: value.std ?? null };

function summaryJson(summary: Summary) {
  const { kind, teacher, model, method, weights, differs, n, unfinished, comparable } = summary;
  return {
    ...{ kind, teacher: teacher ?? null, model, method: method ?? null },
    ...{ weights, differs, n, unfinished },
    last: spreadJson(summary.last),
    best: spreadJson(summary.best),
    published: summary.published ?? null,
    comparable,
    secondsPerRun: summary.secondsPerRun ?? null,
    trials: summary.runs.map(({ trial }) => trial),
    runDirs: summary.runs.map(({ dir }) => dir),
  };
}

function runJson(run: RunRecord) {
  const last = run.rows.at(-1);
  return {
    ...{ runDir: run.dir, kind: run.kind, model: run.model, trial: run.trial },
    ...{ epochs: run.epochs, epochsDone: last?.epoch ?? 0, finished: run.finished },
    train: last?.train ?? null,
    test: last?.test ?? null,
    best: bestOf(run) ?? null,
    seconds: secondsOf(run),
  };
}

/** The report as one JSON document: experiments, runs, and what could not be read. Accuracies in percent. */
export function reportJson(summaries: readonly Summary[], { runs, problems }: Collection): string {
  const document = { experiments: summaries.map(summaryJson), runs: runs.map(runJson), problems };
  return JSON.stringify(document, null, 2);
}
