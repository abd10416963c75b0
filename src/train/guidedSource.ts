import type { Feeds, FeedValues } from "../compile/types.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import { outputOfViews } from "../distill/views.js";
import type { Tensor } from "../runtime/tf.js";
import type { BatchSource } from "./source.js";

/** Where teachers' outputs for training images come from, instead of the teachers themselves. */
export interface Guide {
  /** Values per image of each output, named as by ofEach of distill/views.ts. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly teachers: number;
  /** Whether there are outputs for batches of this size, or for several whole ones; others compute them. */
  covers(images: number): boolean;
  /** [rows, size] of each output for sampler rows. @param upcoming rows of the next calls */
  outputs(rows: Int32Array, upcoming: Int32Array): Readonly<Record<string, Float32Array>>;
  /** The sampler rows by which the student is shown the images; as they are by default. */
  shown?(rows: Int32Array): Int32Array;
}

const PREFIX = "teacher_";
const NONE = new Int32Array(0);
const asIs = (rows: Int32Array): Int32Array => rows;

/** A source whose batches have the teachers' outputs. */
export function guidedSource(inner: BatchSource, guide: Guide): BatchSource {
  const names = Object.keys(guide.sizes);
  const specsOf = (images: number) =>
    Object.fromEntries(
      Object.entries(guide.sizes).map(([name, size]) => [
        PREFIX + name,
        { shape: [images, size], dtype: "float32" as const },
      ]),
    );
  const { shown = asIs } = guide;
  return {
    ...inner,
    specs: (images) => ({ ...inner.specs(images), ...(guide.covers(images) && specsOf(images)) }),
    batch(feeds: Feeds) {
      const batch = inner.batch(feeds);
      if (!names.every((name) => PREFIX + name in feeds)) return batch;
      const tensors = Object.fromEntries(names.map((name) => [name, feeds[PREFIX + name] as Tensor]));
      const noMaps = Array.from({ length: guide.teachers }, () => 0);
      return Object.create(batch, { guide: { value: outputOfViews(tensors, noMaps) } });
    },
    values(rows, upcoming = NONE): FeedValues {
      const batches = inner.values(shown(rows), shown(upcoming));
      if (!guide.covers(rows.length / PLAN_COLUMNS)) return batches;
      const outputs = Object.entries(guide.outputs(rows, upcoming));
      return { ...batches, ...Object.fromEntries(outputs.map(([name, values]) => [PREFIX + name, values])) };
    },
  };
}
