import { hostname } from "node:os";
import { inputError } from "../common/errors.js";
import { counted } from "../common/text.js";
import { commit, version } from "../common/version.js";
import type { EngineName } from "../compile/types.js";
import { PRECISIONS, type TrainOptions } from "../config/options.js";
import { keptOf, numbersOf, unreachedText } from "../config/policy.js";
import { pluginsSha256, usedPlugins } from "../config/record.js";
import { type ImageSet, sumAsIn } from "../data/dataset.js";
import { type Learner, learnerVariables } from "../learn/learner.js";
import { withLossScale } from "../learn/lossScale.js";
import { scalarValues, withRecipe } from "../learn/recipe.js";
import { isBuffer } from "../nn/builder.js";
import { type Identity, identitySha256, NUMERICS, type RunConfig, readConfig } from "../runFiles/identity.js";
import { type RunProgress, recordFailure } from "../runFiles/stateFile.js";
import { isGpu } from "../runtime/device.js";
import { tensorFlowVersion } from "../runtime/native.js";
import { kernelSet } from "../runtime/ownOps.js";
import { keepProgramsWith } from "../runtime/programs/folder.js";
import { tf, type Variable } from "../runtime/tf.js";
import { claimRunFolder, type RunFolder } from "./claim/claim.js";
import { agree } from "./devices.js";
import { isDue, stepsPerEpoch } from "./epoch.js";
import { testBatch } from "./evaluation.js";
import { predictorMetadata } from "./files/predictor.js";
import type { Hooks, RunResult } from "./files/result.js";
import { openRunStore } from "./files/runStore.js";
import { restoreLearner, takeSnapshot } from "./files/snapshot.js";
import type { Scene } from "./scene.js";
import { openTrainingSession, type Stage, shortRunText, stagesOf, stageTerms } from "./session.js";
import { type BatchSource, chooseSources } from "./source.js";
import { type TeacherCache, tallyLine } from "./teacherCache/open.js";
import type { TeacherOutputs } from "./teacherOutputs.js";
import { runTraining } from "./trainer.js";

type Position = Pick<RunProgress, "epoch" | "step">;

/** "epoch 1 and 30 steps of epoch 2". @param steps of an epoch */
function doneText({ epoch, step }: Position, steps: number): string {
  const whole = epoch > 0 ? [`epoch ${epoch}`] : [];
  const shown = step === steps ? `all ${counted(steps, "step")}` : counted(step, "step");
  const part = step > 0 ? [`${shown} of epoch ${epoch + 1}`] : [];
  return [...whole, ...part].join(" and ");
}

/** The notice on a resumed run, or on --resume with nothing to resume. @param kept saved progress, if any */
export function startText(
  runDir: string,
  kept: Position | undefined,
  { resume, steps }: { resume: boolean; steps: number },
): string | undefined {
  if (kept === undefined) {
    return resume ? `--resume found nothing to resume in ${runDir}: the run starts with epoch 1.` : undefined;
  }
  const done = doneText(kept, steps);
  return done === "" ? "Resuming before the first step." : `Resuming after ${done}.`;
}

interface RunPlan {
  readonly kind: "distill" | "teacher";
  readonly title: string;
  /** With its weights, for people. */
  readonly loss?: string;
  readonly runDir: string;
  readonly learner: Learner;
  readonly constants: readonly Variable[];
  /** Of a student's teacher. */
  readonly teacherSha256?: string;
  /** Steps per teacher pass; 1 by default. */
  readonly ahead?: number;
  /** Before the first step of a new run. @returns top-1 */
  readonly evaluateTeacher?: (test: BatchSource) => Promise<number | undefined>;
  readonly openCache?: () => Promise<TeacherCache | undefined>;
  /** In place of a teacher. */
  readonly outputs?: TeacherOutputs;
}

/** A resumed run keeps the precision that `auto` had, which could resolve differently on another machine or engine. */
export function asBegun(options: TrainOptions, runDir: string): TrainOptions {
  if (!options.resume || options.precision !== "auto") return options;
  const config = readConfig(runDir);
  const begun = config.state === "whole" ? config.content.precision : undefined;
  const precision = PRECISIONS.find((one) => one === begun);
  return precision === undefined ? options : { ...options, precision };
}

/** config.json: options, resolved values, identity. */
function resolvedConfig(plan: RunPlan, options: TrainOptions, scene: Scene, { origin }: Hooks): RunConfig {
  const { choice, seed } = scene;
  const config = { kind: plan.kind, model: plan.learner.model.name, ...keptOf(options), ...choice, seed };
  const plugins = usedPlugins(config);
  const made = commit();
  return {
    ...config,
    ...(plugins.length > 0 && { plugins }),
    versions: { pefd: version(), tensorflow: tensorFlowVersion() },
    origin: { host: hostname(), started: new Date().toISOString(), ...(made && { commit: made }), ...origin },
    identity: runIdentity(plan, config, scene, options.resume),
  } as unknown as RunConfig;
}

const reencodingOf = (set: ImageSet): Pick<Identity, "reencoded"> =>
  set.kind === "files" && set.reencoded !== undefined ? { reencoded: set.reencoded } : {};

function identityIn(runDir: string): Identity | undefined {
  const found = readConfig(runDir);
  return found.state === "whole" ? found.content.identity : undefined;
}

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

const FRESH = { epoch: 0, step: 0, sums: [], steps: 0, best: { top1: 0, epoch: 0 }, epochSeconds: 0 };

const PREPARATION: Readonly<Record<EngineName, string>> = {
  eager: "preparing the eager engine",
  graph: "recording the step for the graph engine",
  xla: "recording the step for XLA",
};

/** Claims the run's folder, writes its config.json, and trains. */
export async function train(given: RunPlan, options: TrainOptions, scene: Scene, hooks: Hooks): Promise<RunResult> {
  const learner = withRecipe(given.learner, options);
  const plan = { ...given, learner: withLossScale(learner, scene.choice.precision) };
  const stages = stagesOf(plan.learner);
  const config = resolvedConfig(plan, options, scene, hooks);
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
    const own = { ...(kept?.progress ?? FRESH), identitySha256: identitySha256(config.identity as Identity) };
    const { devices } = hooks;
    if (devices !== undefined) hooks.reporter.phase(`waiting for the other processes of ${devices.size}`);
    const progress = devices === undefined ? own : agree(devices, plan.learner, own, config.identity);
    return await openAndTrain({ plan, options, scene, hooks, folder, stages }, progress);
  } catch (error) {
    if (!hooks.signal.aborted) await recordFailure(plan.runDir, error as Error);
    throw error;
  } finally {
    folder.end();
    forget?.();
    tf.dispose([...learnerVariables(plan.learner), ...plan.constants]);
  }
}

interface Claimed {
  readonly plan: RunPlan;
  readonly options: TrainOptions;
  readonly scene: Scene;
  readonly hooks: Hooks;
  readonly folder: RunFolder;
  readonly stages: readonly Stage[];
}

/** Opens sources and files, trains, and closes them, the teacher cache last. */
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
      seed,
      workers: options.num_workers,
      batchSize: Math.max(options.batch_size, testBatch()),
      staged: hooks.env.PEFD_STAGED === "1" || isGpu(),
    }) as [BatchSource, BatchSource];
    const teacherTop1 = goesOn ? progress.teacherTop1 : await plan.evaluateTeacher?.(test);
    if (isMixing(learner)) refuseSingles(plan);
    cache = await plan.openCache?.();
    const source = (cache ?? plan.outputs)?.guide(train) ?? train;
    opened.unshift({ close: () => source.close?.() });
    const described = {
      engine: choice.engine,
      precision: choice.precision,
      train: source,
      test,
      constants: plan.constants,
      batchSize: options.batch_size,
      ahead: cache === undefined && train.mostImages === undefined && !isMixing(learner) ? (plan.ahead ?? 1) : 1,
      isDue: (step: number) => isDue(options, step),
      onWarning: hooks.reporter.warn,
      devices: hooks.devices,
      sgd: { momentum: options.momentum, weightDecay: options.weight_decay },
    };
    const steps = stepsPerEpoch(dataset.train.count, options.batch_size, learner);
    const scalarsIn = (stage: Stage) =>
      stage.learner.recipe && {
        scalars: (epoch: number, step: number) => scalarValues(options, { ...stage, steps }, epoch, step),
      };
    const { store, progress: current } = await openRunStore(
      {
        runDir,
        modelName: learner.model.name,
        dataset: dataset.name,
        imageSize: options.image_size,
        addsWeights: learner.extra.some(({ role }) => !isBuffer(role)),
        predictor: predictorMetadata(learner),
        peers: (learner.peers ?? []).map(({ name }) => name),
        saveFreq: options.save_freq,
        terms: stageTerms(stages),
        steps,
        tbFreq: options.tb_freq,
      },
      { ...progress, ...(teacherTop1 !== undefined && { teacherTop1 }) },
      goesOn,
      () => takeSnapshot(learner, progress.steps),
    );
    opened.unshift(store);
    const run = {
      runDir,
      options,
      seed,
      learner,
      choice,
      hooks,
      stages,
      store,
      cache,
      open: (stage: Stage) => openTrainingSession({ ...described, learner: stage.learner, ...scalarsIn(stage), seed }),
      images: dataset.train.count,
      augmentation: dataset.train.augmentation,
      testImages: dataset.test.count,
      test,
      epochKept: folder.epochKept,
    };
    if (isGpu()) keepProgramsWith(runDir);
    return await runTraining(run, current);
  } finally {
    keepProgramsWith(undefined);
    for (const { close } of opened) close();
    hooks.reporter.runEnded();
    if (cache !== undefined) closeCache(cache, hooks);
  }
}

const isMixing = ({ recipe }: Learner): boolean => recipe?.task?.mixing !== undefined;

/** Outputs for single images say nothing of a mix of two. @throws inputError */
function refuseSingles({ openCache, outputs }: RunPlan): void {
  const option = openCache ? "--teacher_cache" : outputs && "--teacher_outputs";
  if (option === undefined) return;
  throw inputError(
    `${option} has the teacher's outputs for single images, and --mixup and --cutmix mix two.`,
    `Leave out ${openCache ? option : "--mixup and --cutmix"}.`,
  );
}

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
  for (const short of [shortRunText(stages, options.epochs), unreachedText(options)]) {
    if (short !== undefined) reporter.notice(short);
  }
  reporter.phase(PREPARATION[scene.choice.engine]);
}

function closeCache(cache: TeacherCache, { reporter }: Hooks): void {
  reporter.notice(tallyLine(cache.tally()));
  cache.close();
}
