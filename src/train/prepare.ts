import { inputError } from "../common/errors.js";
import type { TrainOptions } from "../config/options.js";
import { keptOf, numbersOf } from "../config/policy.js";
import { type Dataset, inMemory } from "../data/dataset.js";
import { DATASETS } from "../data/registry.js";
import type { RunConfig } from "../runFiles/config.js";
import { type Identity, identitySha256, NUMERICS } from "../runFiles/identity.js";
import { deviceWarning, isGpu } from "../runtime/device.js";
import { tensorFlowVersion } from "../runtime/native.js";
import { loadTensorFlow, tf, type Variable } from "../runtime/tf.js";
import { claimRunFolder } from "./claim/claim.js";
import { asksForFloat32, chooseEngine, type EngineChoice } from "./engine.js";
import { type Learner, learnerVariables } from "./learner.js";
import type { Hooks, RunResult } from "./result.js";
import { openTrainingSession } from "./session.js";
import { type BatchSource, chooseSources } from "./source.js";
import { type TeacherCache, tallyLine } from "./teacherCache/open.js";
import { runTraining } from "./trainer.js";

/** What is the same for a teacher and for a student. */
export interface Scene {
  readonly dataset: Dataset;
  readonly choice: EngineChoice;
  /** See seedOf. */
  readonly seed: number;
}

/** What initialisation, shuffling and augmentation follow from. */
export const seedOf = ({ trial }: Pick<TrainOptions, "trial">): number => 10 * trial;

/** Loads TensorFlow and the data. @throws inputError for data that cannot be read */
export function openScene(options: TrainOptions, { reporter, env }: Hooks): Scene {
  const dataset = DATASETS.row(options.dataset).open(options.data, {
    ...(options.limit_train !== undefined && { limitTrain: options.limit_train }),
    ...(options.limit_test !== undefined && { limitTest: options.limit_test }),
  });
  const { gpu, deterministic } = options;
  const keepPrograms = !options.no_cache;
  loadTensorFlow({ env, gpu, keepPrograms, deterministic, exactFloat32: asksForFloat32(options) });
  const warning = deviceWarning(env);
  if (warning !== undefined) reporter.warn(warning);
  const choice = chooseEngine(options, env);
  if (deterministic) refuseNondeterministic(choice);
  return { dataset, choice, seed: seedOf(options) };
}

/**
 * On a processor every engine gives the same bytes for the same seed. On a GPU the order of sums in convolution
 * gradients varies between runs, unless XLA is told to leave out such algorithms (runtime/environment.ts).
 */
function refuseNondeterministic({ engine }: EngineChoice): void {
  if (!isGpu() || engine === "xla") return;
  throw inputError(
    `--deterministic is not to be had from the ${engine} engine on a GPU: the order of sums in its convolution gradients varies.`,
    "Take --engine xla, or hide the GPU with PEFD_RUNTIME=cpu to run on the processor.",
  );
}

/** What is particular to one kind of run. */
export interface RunPlan {
  readonly kind: "distill" | "teacher";
  readonly title: string;
  /** The loss with its weights, for people. */
  readonly loss?: string;
  readonly runDir: string;
  readonly learner: Learner;
  /** Variables that steps read and nothing changes. */
  readonly constants: readonly Variable[];
  /** Of the teacher's weights, for a student. */
  readonly teacherSha256?: string;
  /** Opens the cache of the teacher's outputs; undefined where it is of no use. */
  readonly openCache?: () => Promise<TeacherCache | undefined>;
}

/** Claims the run's folder, writes its config.json, and trains. */
export async function train(
  plan: RunPlan,
  options: TrainOptions,
  scene: Scene,
  hooks: Hooks,
): Promise<RunResult> {
  const { runDir, learner } = plan;
  const { dataset, choice, seed } = scene;
  const config = resolvedConfig(plan, options, scene);
  const folder = await claimRunFolder(runDir, config, options);
  const forget = hooks.atExit?.(folder.end);
  let cache: TeacherCache | undefined;
  try {
    const { kept, complete } = folder.continuation;
    if (complete !== undefined) {
      hooks.reporter.notice(`${runDir} is complete.`);
      return complete as RunResult;
    }
    return await runTraining({
      title: plan.title,
      loss: plan.loss,
      runDir,
      options,
      seed,
      learner,
      images: dataset.train.count,
      shift: inMemory(dataset.train).augmentation,
      testImages: dataset.test.count,
      choice,
      hooks,
      kept,
      identitySha256: identitySha256(config.identity as Identity),
      epochKept: folder.epochKept,
      cacheTally: () => cache?.tally(),
      openSession: async () => {
        const sets = [dataset.train, dataset.test];
        const [train, test] = chooseSources(sets, choice.engine, options.data_budget_mb) as [
          BatchSource,
          BatchSource,
        ];
        cache = await plan.openCache?.();
        return openTrainingSession({
          engine: choice.engine,
          precision: choice.precision,
          learner,
          constants: plan.constants,
          batchSize: options.batch_size,
          train: cache?.guide(train) ?? train,
          test,
          onWarning: hooks.reporter.warn,
          sgd: { momentum: options.momentum, weightDecay: options.weight_decay },
        });
      },
    });
  } finally {
    if (cache !== undefined) closeCache(cache, hooks);
    folder.end();
    forget?.();
    tf.dispose([...learnerVariables(learner), ...plan.constants]);
  }
}

function closeCache(cache: TeacherCache, { reporter }: Hooks): void {
  reporter.notice(tallyLine(cache.tally()));
  cache.close();
}

function resolvedConfig(plan: RunPlan, options: TrainOptions, scene: Scene): RunConfig {
  const { choice, seed } = scene;
  const config = {
    kind: plan.kind,
    model: plan.learner.model.name,
    ...keptOf(options),
    ...choice,
    seed,
  };
  return {
    ...config,
    versions: { tensorflow: tensorFlowVersion() },
    identity: runIdentity(plan, config, scene),
  } as unknown as RunConfig;
}

/** Who this run is. @param config what it was told and decided */
const runIdentity = (
  { teacherSha256 }: RunPlan,
  config: object,
  { dataset, choice }: Scene,
): Identity => ({
  trainSha256: dataset.trainFile.sha256,
  testSha256: dataset.testFile.sha256,
  ...(teacherSha256 !== undefined && { teacherSha256 }),
  engine: choice.engine,
  device: isGpu() ? "gpu" : "cpu",
  numerics: NUMERICS,
  options: numbersOf(config) as Identity["options"],
});
