import type { TeacherOptions } from "../config/options.js";
import { buildModel, initialFill } from "../models/build.js";
import { parametersOf, supervised } from "./learner.js";
import { createMetrics } from "./metrics.js";
import { openScene, train } from "./prepare.js";
import type { Hooks, RunResult } from "./result.js";
import { teacherFolder } from "./runFolder.js";
import { createVelocities } from "./sgd.js";

/**
 * Trains a model on labels alone, as RepDistiller's train_teacher.py.
 * @throws inputError for what the options point at, runError when the run fails
 */
export async function runTeacher(options: TeacherOptions, hooks: Hooks): Promise<RunResult> {
  const scene = openScene(options, hooks);
  const { seed, dataset } = scene;
  const fill = initialFill(options.model, seed, "teacher");
  const model = buildModel(options.model, dataset.numClasses, fill);
  const parameters = parametersOf(model.state);
  const learner = {
    model,
    extra: [],
    parameters,
    velocities: createVelocities(parameters),
    metrics: createMetrics(),
    objective: supervised(),
  };
  const title = `${options.model} on ${dataset.name}, trial ${options.trial}`;
  return train(
    { kind: "teacher", title, runDir: teacherFolder(options), learner, constants: [] },
    options,
    scene,
    hooks,
  );
}
