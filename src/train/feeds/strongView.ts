import type { FeedSpec, FeedValues } from "../../compile/types.js";
import { type ImageSet, type ImageShape, inMemory } from "../../data/dataset.js";
import { assembleStrongBatch } from "../../data/strong/strongView.js";
import type { Learner } from "../../learn/learner.js";

/** Name of the feed that brings a step's strong view. */
export const STRONG_FEED = "strong";

/** The feed of a step of N images, where the learner has one. */
export const strongSpecs = (
  { strongView }: Learner,
  images: number,
  { height, width, channels }: ImageShape,
): Record<string, FeedSpec> =>
  strongView === undefined
    ? {}
    : { [STRONG_FEED]: { shape: [images, height, width, channels], dtype: "float32" } };

/** Its values for consecutive steps. @param rows plan rows of all of them */
export const strongValues = (
  { strongView }: Learner,
  rows: Int32Array,
  set: ImageSet,
  { epoch }: { readonly epoch: number },
): FeedValues =>
  strongView === undefined
    ? {}
    : { [STRONG_FEED]: assembleStrongBatch(inMemory(set), rows, { ...strongView, epoch }) };
