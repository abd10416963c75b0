import { createBuilder, type Fill, type FirstValues } from "../nn/builder.js";
import { foldAll } from "../nn/fold.js";
import { randomFill } from "../nn/initialization.js";
import type { Model } from "../nn/model.js";
import type { Variable } from "../runtime/tf.js";
import { modelRow } from "./registry.js";

/** A model that can be frozen. */
export interface BuiltModel extends Model {
  /**
   * Folds batch normalisation into the convolutions before it; for a model that only evaluates from now on.
   * @returns the folded variables, which its evaluation mode reads
   */
  freeze(): Variable[];
}

/**
 * Builds a model of the registry.
 * @param first values of its tensors, in PyTorch's layout
 * @param imageSize side of the images that it is to look at; the one that it is made for where left out
 * @throws inputError for an unknown name
 */
export function buildModel(name: string, numClasses: number, first: FirstValues, imageSize?: number): BuiltModel {
  const builder = createBuilder(name, first);
  const { featureSize, forward } = modelRow(name).architecture(builder, numClasses);
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
