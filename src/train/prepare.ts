import { inputError } from "../common/errors.js";
import type { TrainOptions } from "../config/options.js";
import { keptOf } from "../config/policy.js";
import { loadCifar100 } from "../data/cifar100.js";
import type { Dataset } from "../data/types.js";
import type { RunConfig } from "../runFiles/config.js";
import { fallbackWarning, isGpu } from "../runtime/device.js";
import { nativeBackend } from "../runtime/native.js";
import { loadTensorFlow, tf, type Variable } from "../runtime/tf.js";
import { claimRunFolder } from "./claim/claim.js";
import { chooseEngine, type EngineChoice } from "./engine.js";
import { type Learner, variablesOf } from "./learner.js";
import type { Hooks, RunResult } from "./result.js";
import { openTrainingSession } from "./session.js";
import { type BatchSource, chooseSources } from "./source.js";
import { type TeacherCache, tallyLine } from "./teacherCache/open.js";
import { runTraining } from "./trainer.js";

/** What is the same for a teacher and for a student. */
export interface Scene {
  readonly dataset: Dataset;
  readonly choice: EngineChoice;
  /** trial * 10: initialisation, shuffling and augmentation follow from it. */
  readonly seed: number;
}

/** Loads TensorFlow and the data. @throws inputError for data that cannot be read */
export function openScene(options: TrainOptions, { reporter, env }: Hooks): Scene {
  const dataset = loadCifar100(options.data, {
    ...(options.limit_train !== undefined && { limitTrain: options.limit_train }),
    ...(options.limit_test !== undefined && { limitTest: options.limit_test }),
  });
  loadTensorFlow();
  const warning = fallbackWarning(env);
  if (warning !== undefined) reporter.warn(warning);
  if (options.deterministic) refuseNondeterministic();
  return { dataset, choice: chooseEngine(options, env), seed: options.trial * 10 };
}

/**
 * On a processor every engine gives the same bytes for the same seed. On a GPU the order of sums in convolution
 * gradients varies between runs, and nothing here has been shown to stop that.
 */
function refuseNondeterministic(): void {
  if (!isGpu()) return;
  throw inputError(
    "--deterministic cannot be promised on a GPU: the order of sums in its convolution gradients varies.",
    "Leave the flag out, or hide the GPU with CUDA_VISIBLE_DEVICES= to run on the processor.",
  );
}

/** What is particular to one kind of run. */
export interface RunPlan {
  readonly kind: "distill" | "teacher";
  readonly title: string;
  readonly runDir: string;
  readonly learner: Learner;
  /** Variables that steps read and nothing changes. */
  readonly constants: readonly Variable[];
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
  const folder = await claimRunFolder(runDir, resolvedConfig(plan, options, scene), options);
  const forget = hooks.atExit?.(folder.end);
  let cache: TeacherCache | undefined;
  try {
    return await runTraining({
      title: plan.title,
      runDir,
      options,
      seed,
      learner,
      images: dataset.train.count,
      testImages: dataset.test.count,
      choice,
      hooks,
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

/** All that a learner holds. */
const learnerVariables = (learner: Learner): Variable[] => [
  ...variablesOf(learner.model.state),
  ...variablesOf(learner.extra),
  ...learner.velocities,
  learner.metrics.total,
];

function resolvedConfig(plan: RunPlan, options: TrainOptions, { choice, seed }: Scene): RunConfig {
  return {
    kind: plan.kind,
    model: plan.learner.model.name,
    ...keptOf(options),
    ...choice,
    seed,
    versions: { tensorflow: nativeBackend().binding.TF_Version },
  } as unknown as RunConfig;
}
