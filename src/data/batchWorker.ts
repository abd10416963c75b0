import { parentPort, workerData } from "node:worker_threads";
import type { ImagesInMemory } from "./dataset.js";
import { assembleTrainBatch, hostBatchIn } from "./hostBatch.js";
import { PLAN_COLUMNS } from "./sampler.js";

/** A batch for this thread to make. */
export interface Order {
  /** [n, 4] sampler rows, see sampler.ts */
  readonly rows: Int32Array;
  /** Memory for it, seen by both threads. */
  readonly slot: SharedArrayBuffer;
  /** One int32, 1 once it is made. */
  readonly flag: SharedArrayBuffer;
}

/** Assembles ordered batches, each into its slot; a flag marks completion. */
const { set } = workerData as { readonly set: ImagesInMemory };

parentPort?.on("message", ({ rows, slot, flag }: Order) => {
  assembleTrainBatch(set, rows, hostBatchIn(slot, set, rows.length / PLAN_COLUMNS));
  const state = new Int32Array(flag);
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
});
