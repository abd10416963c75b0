import { createHash } from "node:crypto";
import { toFloat32 } from "../checkpoint/float.js";
import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { inputError } from "../common/errors.js";
import type { StateDict, StateTensor } from "../common/stateDict.js";
import type { Dataset } from "../data/dataset.js";
import { DATASETS } from "../data/registry.js";
import { type FrozenModel, frozen } from "../learn/learners.js";
import { buildModel } from "../models/build.js";
import { stateLayout } from "../models/survey.js";
import { isCounter } from "../nn/builder.js";
import { zeroFill } from "../nn/initialization.js";
import type { StateEntry } from "../nn/model.js";
import { loadState, tensorsFor } from "./files/stateFiles.js";

/** A frozen model out of a file, and which one it is. */
export interface OpenedModel extends FrozenModel {
  /** See weightsSha256. */
  readonly weightsSha256: string;
}

/**
 * sha256 over a model's weights and statistics as they are computed with: float32, in state_dict order. The same
 * weights give the same in every format of file; counters, which nothing is computed with, do not take part.
 * @param tensors of a file, matched with the model
 */
export function weightsSha256(
  state: readonly Pick<StateEntry, "name" | "role">[],
  tensors: StateDict,
): string {
  const hash = createHash("sha256");
  for (const { name, role } of state) {
    if (isCounter(role)) continue;
    const { buffer, byteOffset, byteLength } = toFloat32(tensors.get(name) as StateTensor);
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}

/**
 * The same of a file, without the native library.
 * @throws inputError for a file that is no checkpoint of that model
 */
export async function fileWeightsSha256(
  path: string,
  modelName: string,
  numClasses: number,
): Promise<string> {
  const layout = stateLayout(modelName, numClasses);
  const { state } = await readCheckpoint(path);
  return weightsSha256(layout, tensorsFor(layout, state, { path, modelName }));
}

/** Refuses a classifier of another number of classes with a sentence of its own. */
function refuseOtherClasses(
  state: readonly StateEntry[],
  tensors: StateDict,
  { name, numClasses }: Pick<Dataset, "name" | "numClasses">,
  path: string,
): void {
  const classifier = state.findLast((entry) => entry.role === "linear.weight");
  const found = classifier && tensors.get(classifier.name)?.shape;
  if (found?.length !== 2 || found[0] === numClasses) return;
  throw inputError(
    `The teacher in ${path} was trained for ${found[0]} classes; ${name} has ${numClasses}.`,
    `Give a teacher that was trained on ${DATASETS.row(name).title}.`,
  );
}

/**
 * Opens a trained model whose parameters do not change.
 * @param mode see frozen
 * @throws inputError when the file is damaged, of another model, or of another number of classes
 */
export async function openFrozen(
  path: string,
  name: string,
  dataset: Pick<Dataset, "name" | "numClasses">,
  mode?: "training" | "evaluation",
): Promise<OpenedModel> {
  const { state } = await readCheckpoint(path);
  const model = buildModel(name, dataset.numClasses, zeroFill);
  refuseOtherClasses(model.state, state, dataset, path);
  const tensors = tensorsFor(model.state, state, { path, modelName: name });
  loadState(model.state, tensors, { path, modelName: name });
  return { ...frozen(model, mode), weightsSha256: weightsSha256(model.state, tensors) };
}
