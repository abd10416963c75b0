import type { FeedSpec, FeedValues } from "../../compile/types.js";
import type { ImagesInMemory } from "../../data/dataset.js";
import { assembleStrongBatch } from "../../data/strong/strongView.js";
import type { Learner } from "../../learn/learner.js";

/** Name of the feed that brings a step's strong view. */
export const STRONG_FEED = "strong";

/** The feed of a step of N images, where the learner has one. */
export const strongSpecs = (
  { strongView }: Learner,
  images: number,
  { height, width, channels }: ImagesInMemory,
): Record<string, FeedSpec> =>
  strongView === undefined
    ? {}
    : { [STRONG_FEED]: { shape: [images, height, width, channels], dtype: "float32" } };

/** Its values for consecutive steps. @param rows plan rows of all of them */
export const strongValues = (
  { strongView }: Learner,
  rows: Int32Array,
  set: ImagesInMemory,
  { epoch }: { readonly epoch: number },
): FeedValues =>
  strongView === undefined
    ? {}
    : { [STRONG_FEED]: assembleStrongBatch(set, rows, { ...strongView, epoch }) };
