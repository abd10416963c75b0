import type { ImagesInFiles } from "../dataset.js";
import { imageBytes } from "../images/byteBatch.js";
import { imageName, readImage } from "../images/places.js";
import type { ImageReader } from "../images/reader.js";
import { openImageStream } from "../images/stream/stream.js";
import { boxView, type ImageSize, wholeOf } from "../images/view.js";
import type { Shown, ShownSettings } from "./shown.js";

/** The size of an image that is made to fit into a square; a smaller one keeps its own. */
function fitted({ height, width }: ImageSize, side: number): ImageSize {
  const scale = Math.min(1, side / Math.max(height, width));
  const pixels = (length: number) => Math.max(1, Math.round(length * scale));
  return { height: pixels(height), width: pixels(width) };
}

/**
 * Shows images of files: each as a whole, made to fit, and what a stream feeds of it.
 * @throws runError for an image that cannot be used
 */
export function fileViews(
  set: ImagesInFiles,
  images: readonly number[],
  { epochs, seed, reader }: ShownSettings & { readonly reader: ImageReader },
): Shown[] {
  const stream = openImageStream([set], { seed, workers: 0, batchSize: 1 });
  try {
    return images.map((image) => {
      const name = imageName(set.places, image);
      const file = readImage(set.places, image);
      const { height, width } = reader.size(name, file);
      const size = { height, width };
      const small = fitted(size, Math.max(set.height, set.width));
      const bytes = reader.show(name, file, () => boxView(wholeOf(size), small, false));
      const views = epochs.map((epoch) => ({
        ...{ height: set.height, width: set.width },
        bytes: imageBytes(stream.take([[0, image, epoch]]), set).slice(),
      }));
      return {
        name,
        label: set.labels[image] as number,
        size,
        original: { ...small, bytes },
        views,
      };
    });
  } finally {
    stream.close();
  }
}
