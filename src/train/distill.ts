import { homedir } from "node:os";
import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { cacheDirectory } from "../common/cachePaths.js";
import { inputError } from "../common/errors.js";
import type { StateDict } from "../common/stateDict.js";
import type { DistillOptions } from "../config/options.js";
import { methodRow } from "../distill/registry.js";
import { usedOutputs } from "../distill/teacherOutputs.js";
import { buildModel } from "../models/build.js";
import { zeroFill } from "../nn/initialization.js";
import type { StateEntry } from "../nn/model.js";
import { type FrozenModel, frozen, studentLearner } from "./learners.js";
import { openScene, type Scene, train } from "./prepare.js";
import type { Hooks, RunResult } from "./result.js";
import { studentFolder } from "./runName.js";
import { loadState } from "./stateFiles.js";
import { openTeacherCache } from "./teacherCache/open.js";

/** Refuses a classifier of another number of classes with a sentence of its own. */
function refuseOtherClasses(
  state: readonly StateEntry[],
  tensors: StateDict,
  numClasses: number,
  path: string,
): void {
  const classifier = state.findLast((entry) => entry.role === "linear.weight");
  const found = classifier && tensors.get(classifier.name)?.shape;
  if (found?.length !== 2 || found[0] === numClasses) return;
  throw inputError(
    `The teacher in ${path} was trained for ${found[0]} classes; cifar100 has ${numClasses}.`,
    "Give a teacher that was trained on CIFAR-100.",
  );
}

/**
 * Opens a trained model for evaluation only.
 * @throws inputError when the file is damaged, of another model, or of another number of classes
 */
export async function openFrozen(
  path: string,
  name: string,
  numClasses: number,
): Promise<FrozenModel> {
  const { state } = await readCheckpoint(path);
  const model = buildModel(name, numClasses, zeroFill);
  refuseOtherClasses(model.state, state, numClasses, path);
  loadState(model.state, state, { path, modelName: name });
  return frozen(model);
}

/** The cache of what this distillation looks at of its teacher. */
const openCache = (
  teacher: FrozenModel,
  options: DistillOptions,
  { dataset, choice }: Scene,
  { reporter, env }: Hooks,
) =>
  openTeacherCache({
    ...{ teacher, dataset, choice, reporter },
    outputs: usedOutputs(methodRow(options.distill), options),
    batchSize: options.batch_size,
    exact: options.deterministic,
    cacheDirectory: cacheDirectory(env, homedir()),
  });

/**
 * Trains a student with a frozen teacher, as the paper's train_student.py.
 * @throws inputError for what the options point at, runError when the run fails
 */
export async function runDistill(options: DistillOptions, hooks: Hooks): Promise<RunResult> {
  const scene = openScene(options, hooks);
  const { numClasses } = scene.dataset;
  const teacher = await openFrozen(options.path_t, options.model_t, numClasses);
  const learner = studentLearner(teacher.model, options, numClasses, scene.seed);
  const title = `${options.model_t} -> ${options.model_s}, ${options.distill}, trial ${options.trial}`;
  return train(
    {
      kind: "distill",
      title,
      runDir: studentFolder(options),
      learner,
      constants: teacher.variables,
      ...(options.teacher_cache && { openCache: () => openCache(teacher, options, scene, hooks) }),
    },
    options,
    scene,
    hooks,
  );
}
