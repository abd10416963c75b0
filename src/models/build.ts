import { createBuilder, type Fill, type FirstValues } from "../nn/builder.js";
import { foldAll } from "../nn/fold.js";
import { randomFill } from "../nn/initialization.js";
import type { Model } from "../nn/model.js";
import type { Variable } from "../runtime/tf.js";
import { modelRow, sideOf } from "./registry.js";

export interface BuiltModel extends Model {
  /** Folds batch normalisation, for evaluation only from now on. @returns the folded variables, which it reads */
  freeze(): Variable[];
}

/** Builds a model of the registry, for images of its own size by default. @throws inputError for an unknown name */
export function buildModel(name: string, numClasses: number, first: FirstValues, imageSize?: number): BuiltModel {
  const builder = createBuilder(name, first);
  const row = modelRow(name);
  const { featureSize, forward } = row.architecture(builder, numClasses, sideOf(row, imageSize));
  const { state } = builder;
  return {
    name,
    numClasses,
    featureSize,
    state,
    forward,
    freeze: () => foldAll(builder),
    ...(imageSize !== undefined && { imageSize }),
  };
}

/** Random initial values as in the model's paper code. @param owner "student" or "teacher" */
export const initialFill = (name: string, seed: number, owner: string): Fill =>
  randomFill(seed, owner, modelRow(name).initialization);
