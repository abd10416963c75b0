import type { ImageSize } from "../images/view.js";
import type { ByteImage } from "../strong/image.js";

/** An image as it is, and as a model sees it. */
export interface Shown {
  /** Of its file, from the data folder on; of images without files their place among all. */
  readonly name: string;
  readonly label: number;
  /** Its own. */
  readonly size: ImageSize;
  /** All of it; one in a file is made to fit into what a model sees. */
  readonly original: ByteImage;
  /** What each epoch shows of it. */
  readonly views: readonly ByteImage[];
}

/** What is shown of each image. */
export interface ShownSettings {
  /** From 1; 0 for what evaluation shows. */
  readonly epochs: readonly number[];
  /** Of the run, from which order, crops and flips follow. */
  readonly seed: number;
}
