import { isUndecided, keptOf, numbersOf } from "../config/policy.js";
import { pluginsSha256, usedPlugins } from "../config/usedPlugins.js";
import { classesIn, sumAsIn } from "../data/dataset.js";
import { DATASETS } from "../data/registry.js";
import { skipListIn } from "../data/skipList.js";
import { readConfig } from "../runFiles/config.js";
import { type Identity, NUMERICS, type PlannedIdentity } from "../runFiles/identity.js";
import { fileWeightsSha256 } from "../train/openModel.js";
import { seedOf } from "../train/scene.js";
import type { SweepRun } from "./plan.js";

/** Keeps what a function returned, by what it was asked: files are read once for all runs of a sweep. */
function remembering<Words extends string[], Result>(ask: (...words: Words) => Result): typeof ask {
  const known = new Map<string, Result>();
  return (...words) => {
    const key = JSON.stringify(words);
    const result = known.get(key) ?? ask(...words);
    known.set(key, result);
    return result;
  };
}

/** The identity of a run as far as it can be told before it starts, and the options that only its start decides. */
export interface Planned {
  readonly identity: PlannedIdentity;
  readonly undecided: ReadonlySet<string>;
}

/**
 * A function that tells the identities of a sweep's runs; it throws inputError for data or a teacher that cannot be read.
 * Each file is read once.
 */
export function identities(): (run: SweepRun) => Promise<Planned> {
  const filesOf = remembering((dataset: string, folder: string) =>
    DATASETS.row(dataset).files(folder),
  );
  const weightsOf = remembering(
    async (path: string, model: string, dataset: string, folder: string) =>
      fileWeightsSha256(path, model, await classesIn(DATASETS.row(dataset), folder)),
  );
  const leftOut = remembering((list: string) => skipListIn(list)?.sha256);
  return async ({ options, runDir }) => {
    const found = readConfig(runDir);
    const then = found.state === "whole" ? found.content.identity : undefined;
    const { trainFile, testFile } = await filesOf(options.dataset, options.data);
    const config = { kind: "distill", model: options.model_s, ...keptOf(options) };
    const decided = { ...config, seed: seedOf(options) };
    const plugins = pluginsSha256(usedPlugins(decided));
    const undecided = Object.entries(options).filter(([key, value]) => isUndecided(key, value));
    return {
      identity: {
        trainSha256: sumAsIn(then?.trainSha256, trainFile),
        testSha256: sumAsIn(then?.testSha256, testFile),
        teacherSha256: await weightsOf(
          options.path_t,
          options.model_t,
          options.dataset,
          options.data,
        ),
        ...(options.skip_list !== undefined && { leftOutSha256: leftOut(options.skip_list) }),
        ...(plugins !== undefined && { pluginsSha256: plugins }),
        ...(!isUndecided("engine", options.engine) && { engine: options.engine }),
        numerics: NUMERICS,
        options: numbersOf(decided) as Identity["options"],
      },
      undecided: new Set(undecided.map(([key]) => key)),
    };
  };
}
