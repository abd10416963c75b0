import { procedureName } from "../config/procedureName.js";
import { weightedMethod } from "../distill/registry.js";
import { addedBy } from "../learn/methodSurvey.js";
import type { SweepRun } from "./plan.js";

/** Runs that can be carried out, and a sentence for each method that cannot. */
export interface Zoo {
  readonly runs: readonly SweepRun[];
  readonly leftOut: readonly string[];
}

/** Why a run cannot be carried out, before it starts; undefined where it can. */
function obstacle({ options }: SweepRun): string | undefined {
  const { model_t, model_s, epochs } = options;
  const { method } = weightedMethod(options);
  const added = addedBy(method, options, { teacher: model_t, student: model_s });
  if (typeof added === "string") return added;
  const before = added.phases.reduce((sum, phase) => sum + phase, 0);
  return before < epochs ? undefined : `its first parts take all of ${epochs} epochs.`;
}

/** The runs of a sweep over all methods without those that do not fit their pair or have too few epochs. */
export function fittingRuns(runs: readonly SweepRun[]): Zoo {
  const found = new Map<string, string | undefined>();
  const obstacleOf = (run: SweepRun): string | undefined => {
    const { trial: _trial, ...options } = run.options;
    const key = JSON.stringify(options);
    if (!found.has(key)) found.set(key, obstacle(run));
    return found.get(key);
  };
  const sentences = runs.flatMap((run) => {
    const why = obstacleOf(run);
    return why === undefined ? [] : [`${procedureName(run.options.distill, run.options)}: ${why}`];
  });
  return {
    runs: runs.filter((run) => obstacleOf(run) === undefined),
    leftOut: [...new Set(sentences)],
  };
}
