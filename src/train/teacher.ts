import type { TeacherOptions } from "../config/options.js";
import { teacherLearner } from "../learn/learners.js";
import { optionsOf } from "./devices.js";
import type { Hooks, RunResult } from "./files/result.js";
import { teacherFolder } from "./files/runName.js";
import { asBegun, train } from "./prepare.js";
import { openScene } from "./scene.js";

/** Trains as RepDistiller's train_teacher.py. @throws inputError for invalid inputs, runError for a failed run */
export async function runTeacher(typed: TeacherOptions, hooks: Hooks): Promise<RunResult> {
  const options = optionsOf(typed, hooks.devices);
  const runDir = teacherFolder(options);
  const scene = await openScene(asBegun(options, runDir), hooks);
  const { seed, dataset } = scene;
  const learner = teacherLearner(options.model, dataset.numClasses, seed);
  const title = `${options.model} on ${dataset.name}, trial ${options.trial}`;
  return train({ kind: "teacher", title, runDir, learner, constants: [] }, options, scene, hooks);
}
