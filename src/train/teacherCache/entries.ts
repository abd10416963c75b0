import type { ImageSet } from "../../data/dataset.js";
import { CROP_OFFSETS, PLAN_COLUMNS } from "../../data/sampler.js";

/** Ways in which training shows an image: every crop, flipped or not. */
export const VARIANTS = CROP_OFFSETS * CROP_OFFSETS * 2;

/** Which image in which variant a row of a plan is: the same number in every subset of the file. */
export type EntryOf = (rows: Int32Array, row: number) => number;

/** Numbers the images of a set by their place in the file, and their variants. */
export const entriesOf =
  ({ positions }: Pick<ImageSet, "positions">): EntryOf =>
  (rows, row) => {
    const at = row * PLAN_COLUMNS;
    const [image, y, x, flip] = [rows[at], rows[at + 1], rows[at + 2], rows[at + 3]] as [
      number,
      number,
      number,
      number,
    ];
    const position = positions === undefined ? image : (positions[image] as number);
    return position * VARIANTS + (y * CROP_OFFSETS + x) * 2 + flip;
  };
