import { parentPort, workerData } from "node:worker_threads";
import { assembleTrainBatch } from "./hostBatch.js";
import { hostBatchIn, type Order, READY, type WorkerSet } from "./prefetchSlots.js";

/** Assembles ordered batches, each into its slot; a flag marks completion. */
const { set } = workerData as { readonly set: WorkerSet };

parentPort?.on("message", ({ rows, slot, flag }: Order) => {
  assembleTrainBatch(set, rows, hostBatchIn(set, slot, rows));
  const state = new Int32Array(flag);
  Atomics.store(state, 0, READY);
  Atomics.notify(state, 0);
});
