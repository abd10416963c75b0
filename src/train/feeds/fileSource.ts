import type { EngineName } from "../../compile/types.js";
import type { ImagesInFiles } from "../../data/dataset.js";
import { normalizedBatch, wordsOf } from "../../data/images/byteBatch.js";
import type { TicketRow } from "../../data/images/stream/ring.js";
import {
  type ImageStream,
  openImageStream,
  type StreamSettings,
} from "../../data/images/stream/stream.js";
import { PLAN_COLUMNS } from "../../data/sampler.js";
import type { Tensor } from "../../runtime/tf.js";
import { type BatchSource, fedSource, imageColumn } from "./batchSource.js";

/** Plan rows (image, epoch, 0, 0) as a stream wants them. @param most of the first ones */
function ticketRows(set: number, rows: Int32Array, most: number): TicketRow[] {
  const count = Math.min(most, rows.length / PLAN_COLUMNS);
  return Array.from({ length: count }, (_, i) => {
    const [image = 0, epoch = 0] = rows.subarray(i * PLAN_COLUMNS);
    return [set, image, epoch] as const;
  });
}

function fileSource(
  set: ImagesInFiles,
  index: number,
  stream: ImageStream,
  engine: EngineName,
): BatchSource {
  const labelsOf = (images: Int32Array) => images.map((image) => set.labels[image] as number);
  const fed = fedSource(set);
  return {
    ...fed,
    specs: (batchSize) => ({
      ...fed.specs(batchSize),
      images: { shape: [batchSize, wordsOf(set)], dtype: "int32" },
    }),
    batch: ({ images, ...feeds }) =>
      fed.batch({ ...feeds, images: normalizedBatch(images as Tensor, set, engine === "xla") }),
    mostImages: stream.most,
    values(rows, upcoming = new Int32Array(0)) {
      const image = imageColumn(rows);
      const next = ticketRows(index, upcoming, 2 * stream.most);
      const images = stream.take(ticketRows(index, rows, image.length), next);
      return { images, labels: labelsOf(image), image };
    },
    close: stream.close,
  };
}

/**
 * Sources of images in files, which share the threads that read them. Steps are fed bytes, which they normalise.
 * @param settings where left out: one image at a time, read by the thread that asks
 */
export function fileSources(
  sets: readonly ImagesInFiles[],
  engine: EngineName,
  { seed = 0, workers = 0, batchSize = 1 }: Partial<StreamSettings>,
): BatchSource[] {
  const stream = openImageStream(sets, { seed, workers, batchSize });
  return sets.map((set, index) => fileSource(set, index, stream, engine));
}
