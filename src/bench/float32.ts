import type { PrecisionName } from "../compile/types.js";

// One process has one kind of float32 on a GPU: with TF32 or without.

/** Whether float32 is timed without TF32: where it is all that was asked for. */
export const isExactFloat32 = (precisions: readonly PrecisionName[]): boolean =>
  precisions.length === 1 && precisions[0] === "float32";

/** What has to be known of float32 before anything is timed, a line each. */
export const float32Notices = (gpu: boolean, exact: boolean): readonly string[] =>
  gpu && !exact
    ? [
        "float32 is timed with TF32 where the GPU has it; alone (--precision float32) it is timed without.",
      ]
    : [];
