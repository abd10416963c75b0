import type { DistillOptions } from "../config/options.js";
import { isUndecided, keptOf, numbersOf } from "../config/policy.js";
import { pluginsSha256, usedPlugins } from "../config/record.js";
import { sumAsIn } from "../data/dataset.js";
import { type Identity, NUMERICS, type PlannedIdentity, readConfig } from "../runFiles/identity.js";
import { generationsOf } from "../train/files/runName.js";
import { inputReader } from "../train/openModel.js";
import { seedOf } from "../train/scene.js";
import type { SweepRun } from "./plan.js";

/** The identity of a run as far as it is known before it starts, and the options that only its start decides. */
export type Planned = { readonly identity: PlannedIdentity; readonly undecided: ReadonlySet<string> };

/** A function for the identities of a sweep's runs, each file read once; it throws inputError for unreadable inputs. */
export function identities(): (run: SweepRun) => Promise<Planned> {
  const { filesOf, teacherOf, leftOut } = inputReader();
  return async (run) => {
    const { runDir } = run;
    // The last generation is the run that the sweep waits for; its teacher is not there yet.
    const options = generationsOf(run.options).at(-1) as DistillOptions;
    const found = readConfig(runDir);
    const then = found.state === "whole" ? found.content.identity : undefined;
    const { trainFile, testFile } = await filesOf(options.dataset, options.data);
    const config = { kind: "distill", model: options.model_s, ...keptOf(options) };
    const decided = { ...config, seed: seedOf(options) };
    const plugins = pluginsSha256(usedPlugins(decided));
    const { generations, dataset, data } = options;
    const teacherSha256 = generations === undefined ? await teacherOf(options, dataset, data) : undefined;
    const undecided = Object.entries(options).filter(([key, value]) => isUndecided(key, value));
    return {
      identity: {
        trainSha256: sumAsIn(then?.trainSha256, trainFile),
        testSha256: sumAsIn(then?.testSha256, testFile),
        ...(teacherSha256 !== undefined && { teacherSha256 }),
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
