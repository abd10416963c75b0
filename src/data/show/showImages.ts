import type { ImageSet } from "../dataset.js";
import type { ImageReader } from "../images/reader.js";
import { balancedSubset } from "../subset.js";
import { fileViews } from "./fileViews.js";
import { memoryViews } from "./memoryViews.js";
import type { Shown, ShownSettings } from "./shown.js";

/**
 * Shows some images of a set, as many of each class as can be, by what feeds them to a model: the pixels are those of a run
 * over this set.
 * @param count of images; all where there are not so many
 * @param reader opened where images are encoded, as it needs TensorFlow
 * @throws runError for an image that cannot be used
 */
export function shownImages(
  set: ImageSet,
  count: number,
  { reader, ...settings }: ShownSettings & { reader(): ImageReader },
): Shown[] {
  const images = [...balancedSubset(set.labels, Math.min(count, set.count), "show")];
  if (set.kind === "files") return fileViews(set, images, { ...settings, reader: reader() });
  if (set.some !== undefined) reader();
  return memoryViews(set, images, settings);
}
