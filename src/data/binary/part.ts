import type { ImageFile } from "../dataset.js";

/** The two halves of a data set: each comes from files of its own. */
export type PartName = "train" | "test";

/** One half of a data set whose images are held in memory, before it is known which of them are wanted. */
export interface Part {
  /** [count], the class of each image, from 0. */
  readonly labels: Uint8Array;
  /** The images that there are, and the checksum of their files. */
  readonly file: ImageFile;
  /** [n, height, width, 3] bytes of some images. @param chosen which, in this order; all where left out */
  pixels(chosen?: Int32Array): Uint8Array;
}
