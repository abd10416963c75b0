import type { EngineName } from "../compile/types.js";
import type { TrainOptions } from "../config/options.js";
import { learnerVariables } from "../learn/learner.js";
import { isBuffer } from "../nn/builder.js";
import { type Identity, identitySha256 } from "../runFiles/identity.js";
import type { RunProgress } from "../runFiles/progress.js";
import { tf } from "../runtime/tf.js";
import { claimRunFolder, type RunFolder } from "./claim/claim.js";
import { stepsPerEpoch } from "./epoch.js";
import { testBatch } from "./evaluation.js";
import type { BatchSource } from "./feeds/batchSource.js";
import { predictorMetadata } from "./files/predictor.js";
import type { Hooks, RunResult } from "./files/result.js";
import { resolvedConfig } from "./files/runConfig.js";
import { openRunStore } from "./files/runStore.js";
import { restoreLearner, takeSnapshot } from "./files/snapshot.js";
import type { RunPlan } from "./plan.js";
import type { Scene } from "./scene.js";
import { openTrainingSession } from "./session.js";
import { chooseSources } from "./source.js";
import { type Stage, shortRunText, stagesOf, stageTerms } from "./stage.js";
import { startText } from "./start/standing.js";
import { type TeacherCache, tallyLine } from "./teacherCache/open.js";
import { runTraining } from "./trainer.js";

const FRESH = {
  ...{ epoch: 0, step: 0, sums: [], steps: 0 },
  ...{ best: { top1: 0, epoch: 0 }, epochSeconds: 0 },
};

/** What the time before the first step goes into. */
const PREPARATION: Readonly<Record<EngineName, string>> = {
  eager: "preparing the eager engine",
  graph: "recording the step for the graph engine",
  xla: "recording the step for XLA",
};

/** Claims the run's folder, writes its config.json, and trains. */
export async function train(
  plan: RunPlan,
  options: TrainOptions,
  scene: Scene,
  hooks: Hooks,
): Promise<RunResult> {
  const stages = stagesOf(plan.learner);
  const config = resolvedConfig(plan, options, scene);
  if (config.identity?.trainSha256 === scene.dataset.trainFile.listedSha256) {
    hooks.reporter.warn(
      `${plan.runDir} was started before the contents of images counted: its images are compared by names and sizes only.`,
    );
  }
  const folder = await claimRunFolder(plan.runDir, config, options);
  const forget = hooks.atExit?.(folder.end);
  try {
    const { kept, complete } = folder.continuation;
    if (complete !== undefined) {
      hooks.reporter.notice(`${plan.runDir} is complete.`);
      return complete as RunResult;
    }
    if (kept !== undefined) restoreLearner(plan.learner, kept);
    const progress = {
      ...(kept?.progress ?? FRESH),
      identitySha256: identitySha256(config.identity as Identity),
    };
    return await openAndTrain({ plan, options, scene, hooks, folder, stages }, progress);
  } finally {
    folder.end();
    forget?.();
    tf.dispose([...learnerVariables(plan.learner), ...plan.constants]);
  }
}

/** A run whose folder is claimed and whose learner is where it is to start from. */
interface Claimed {
  readonly plan: RunPlan;
  readonly options: TrainOptions;
  readonly scene: Scene;
  readonly hooks: Hooks;
  readonly folder: RunFolder;
  readonly stages: readonly Stage[];
}

/** Opens what the run works with, the teacher's cache before the program that it feeds, and closes it in the end. */
async function openAndTrain(claimed: Claimed, progress: RunProgress): Promise<RunResult> {
  const { plan, options, scene, hooks, folder, stages } = claimed;
  const { dataset, choice, seed } = scene;
  const { runDir, learner } = plan;
  const goesOn = folder.continuation.kept !== undefined;
  announce(claimed, progress);
  let cache: TeacherCache | undefined;
  const opened: { close(): void }[] = [];
  try {
    const [train, test] = chooseSources([dataset.train, dataset.test], choice.engine, {
      budgetMb: options.data_budget_mb,
      ...{
        seed,
        workers: options.num_workers,
        batchSize: Math.max(options.batch_size, testBatch()),
      },
    }) as [BatchSource, BatchSource];
    if (!goesOn) await plan.beforeFirstStep?.(test);
    cache = await plan.openCache?.();
    const source = cache?.guide(train) ?? train;
    opened.unshift({ close: () => source.close?.() });
    const described = {
      ...{ engine: choice.engine, precision: choice.precision, train: source, test },
      constants: plan.constants,
      batchSize: options.batch_size,
      ahead: cache === undefined && train.mostImages === undefined ? (plan.ahead ?? 1) : 1,
      onWarning: hooks.reporter.warn,
      sgd: { momentum: options.momentum, weightDecay: options.weight_decay },
    };
    const { store, progress: standing } = await openRunStore(
      {
        runDir,
        modelName: learner.model.name,
        ...{ dataset: dataset.name, imageSize: options.image_size },
        addsWeights: learner.extra.some(({ role }) => !isBuffer(role)),
        predictor: predictorMetadata(learner),
        saveFreq: options.save_freq,
        terms: stageTerms(stages),
        steps: stepsPerEpoch(dataset.train.count, options.batch_size, learner),
        tbFreq: options.tb_freq,
      },
      progress,
      goesOn,
      () => takeSnapshot(learner, progress.steps),
    );
    opened.unshift(store);
    const run = {
      ...{ runDir, options, seed, learner, choice, hooks, stages, store, cache },
      open: (stage: Stage) => openTrainingSession({ ...described, learner: stage.learner }),
      images: dataset.train.count,
      augmentation: dataset.train.augmentation,
      testImages: dataset.test.count,
      epochKept: folder.epochKept,
    };
    return await runTraining(run, standing);
  } finally {
    for (const { close } of opened) close();
    hooks.reporter.runEnded();
    if (cache !== undefined) closeCache(cache, hooks);
  }
}

/** Tells what is going to be done, before the time that its preparation takes. */
function announce(claimed: Claimed, progress: RunProgress): void {
  const { plan, options, scene, hooks, folder, stages } = claimed;
  const { reporter } = hooks;
  const { title, loss, runDir } = plan;
  const steps = stepsPerEpoch(scene.dataset.train.count, options.batch_size, plan.learner);
  reporter.runStarted({
    title,
    ...(loss !== undefined && { loss }),
    runDir,
    epochs: options.epochs,
    firstEpoch: progress.epoch + 1,
    ...(progress.step > 0 && { stepsDone: progress.step }),
    steps,
    ...scene.choice,
  });
  if (progress.epoch > 0) folder.epochKept();
  const { resume } = options;
  const start = startText(runDir, folder.continuation.kept?.progress, { resume, steps });
  if (start !== undefined) reporter.notice(start);
  const short = shortRunText(stages, options.epochs);
  if (short !== undefined) reporter.notice(short);
  reporter.phase(PREPARATION[scene.choice.engine]);
}

function closeCache(cache: TeacherCache, { reporter }: Hooks): void {
  reporter.notice(tallyLine(cache.tally()));
  cache.close();
}
