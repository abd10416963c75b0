import type { TrainOptions } from "../../config/options.js";
import { keptOf, numbersOf } from "../../config/policy.js";
import { pluginsSha256, usedPlugins } from "../../config/usedPlugins.js";
import { type ImageSet, sumAsIn } from "../../data/dataset.js";
import { type RunConfig, readConfig } from "../../runFiles/config.js";
import { type Identity, NUMERICS } from "../../runFiles/identity.js";
import { isGpu } from "../../runtime/device.js";
import { tensorFlowVersion } from "../../runtime/native.js";
import { kernelSet } from "../../runtime/ownOps.js";
import type { RunPlan } from "../plan.js";
import type { Scene } from "../scene.js";

/** A run's config.json: what it was told and decided, and who it is. */
export function resolvedConfig(plan: RunPlan, options: TrainOptions, scene: Scene): RunConfig {
  const { choice, seed } = scene;
  const config = {
    kind: plan.kind,
    model: plan.learner.model.name,
    ...keptOf(options),
    ...choice,
    seed,
  };
  const plugins = usedPlugins(config);
  return {
    ...config,
    ...(plugins.length > 0 && { plugins }),
    versions: { tensorflow: tensorFlowVersion() },
    identity: runIdentity(plan, config, scene, options.resume),
  } as unknown as RunConfig;
}

/** How the images were changed before, where they were. */
const reencodingOf = (set: ImageSet): Pick<Identity, "reencoded"> =>
  set.kind === "files" && set.reencoded !== undefined ? { reencoded: set.reencoded } : {};

/** Who the run in a folder is, as far as its record tells. */
function identityIn(runDir: string): Identity | undefined {
  const found = readConfig(runDir);
  return found.state === "whole" ? found.content.identity : undefined;
}

/** Who this run is. @param config what it was told and decided */
const runIdentity = (
  { teacherSha256, runDir }: RunPlan,
  config: object,
  { dataset, choice, leftOutSha256 }: Scene,
  goesOn: boolean,
): Identity => {
  const then = goesOn ? identityIn(runDir) : undefined;
  const plugins = pluginsSha256(usedPlugins(config));
  const kernels = kernelSet(choice);
  return {
    trainSha256: sumAsIn(then?.trainSha256, dataset.trainFile),
    testSha256: sumAsIn(then?.testSha256, dataset.testFile),
    ...(teacherSha256 !== undefined && { teacherSha256 }),
    ...(leftOutSha256 !== undefined && { leftOutSha256 }),
    ...reencodingOf(dataset.train),
    ...(plugins !== undefined && { pluginsSha256: plugins }),
    engine: choice.engine,
    device: isGpu() ? "gpu" : "cpu",
    numerics: NUMERICS,
    ...(kernels !== undefined && { kernels }),
    options: numbersOf(config) as Identity["options"],
  };
};
