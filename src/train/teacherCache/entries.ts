import { cropOffsets, shiftOf, shiftVariants } from "../../data/augmentation.js";
import type { ImagesInMemory } from "../../data/dataset.js";
import { PLAN_COLUMNS } from "../../data/sampler.js";

/** Which image in which variant a row of a plan is: the same number in every subset of the file. */
export type EntryOf = (rows: Int32Array, row: number) => number;

/** Numbers the images of a set by their place in the file, and their variants: every crop, mirrored or not. */
export function entriesOf({
  positions,
  augmentation,
}: Pick<ImagesInMemory, "positions" | "augmentation">): EntryOf {
  const shift = shiftOf(augmentation);
  const [variants, offsets] = [shiftVariants(shift), cropOffsets(shift)];
  return (rows, row) => {
    const at = row * PLAN_COLUMNS;
    const [image, y, x, flip] = [rows[at], rows[at + 1], rows[at + 2], rows[at + 3]] as [
      number,
      number,
      number,
      number,
    ];
    const position = positions === undefined ? image : (positions[image] as number);
    return position * variants + (y * offsets + x) * 2 + flip;
  };
}
