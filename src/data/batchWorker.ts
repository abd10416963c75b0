import { parentPort, workerData } from "node:worker_threads";
import { assembleTrainBatch } from "./hostBatch.js";
import { hostBatchIn, type Order, READY, type WorkerSet } from "./prefetchSlots.js";

/** Makes the batches that orders name, each into its own slot; the flag says when one is done. */
const { set } = workerData as { readonly set: WorkerSet };

parentPort?.on("message", ({ rows, slot, flag }: Order) => {
  assembleTrainBatch(set, rows, hostBatchIn(set, slot, rows));
  const state = new Int32Array(flag);
  Atomics.store(state, 0, READY);
  Atomics.notify(state, 0);
});
