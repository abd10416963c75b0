import type { ImageShape, ImagesInMemory } from "./dataset.js";
import { type HostBatch, valuesOf } from "./hostBatch.js";
import { PLAN_COLUMNS } from "./sampler.js";

/** The image set as a thread gets it: in memory that both threads see. */
export type WorkerSet = ImagesInMemory;

export interface Order {
  /** [n, 4] sampler rows, see sampler.ts */
  readonly rows: Int32Array;
  /** Memory for the batch, seen by both threads. */
  readonly slot: SharedArrayBuffer;
  /** One int32 that becomes READY. */
  readonly flag: SharedArrayBuffer;
}

export const READY = 1;

/** Bytes of a batch of sampler rows: float32 pixels, then int32 labels. */
export const slotBytes = (set: ImageShape, rows: Int32Array): number =>
  (rows.length / PLAN_COLUMNS) * 4 * (valuesOf(set) + 1);

/** A batch of sampler rows laid over a slot of at least that size. */
export function hostBatchIn(set: ImageShape, slot: SharedArrayBuffer, rows: Int32Array): HostBatch {
  const count = rows.length / PLAN_COLUMNS;
  const values = count * valuesOf(set);
  return { images: new Float32Array(slot, 0, values), labels: new Int32Array(slot, 4 * values, count) };
}
