import { join } from "node:path";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { stateDictOf } from "#pefd/train/files/stateFiles.js";

/** Writes a checkpoint of a model that was never trained, for CIFAR-100's classes. @returns its file */
export async function checkpointOf(name: string, folder: string): Promise<string> {
  loadTensorFlow();
  const path = join(folder, `${name}.safetensors`);
  const model = buildModel(name, 100, initialFill(name, 3, "teacher"));
  await writeCheckpoint(path, stateDictOf(model.state, 0), { model: name });
  tf.dispose(variablesOf(model.state));
  return path;
}
