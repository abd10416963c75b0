import { Worker } from "node:worker_threads";
import type { Order } from "./batchWorker.js";
import type { ImagesInMemory } from "./dataset.js";
import { assembleTrainBatch, batchBytes, type HostBatch, hostBatchIn, valuesOf } from "./hostBatch.js";
import { PLAN_COLUMNS } from "./sampler.js";

/** Makes batches in another thread while this one is busy with a step. */
export interface Prefetcher {
  /** Asks for the batch that `take` will be called for next. */
  prepare(rows: Int32Array): void;
  /** The batch of sampler rows, made now unless what was prepared begins with them. Valid until the next take. */
  take(rows: Int32Array): HostBatch;
  close(): void;
}

function shared(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

const beginsWith = (rows: Int32Array, first: Int32Array): boolean =>
  first.length <= rows.length && first.every((value, i) => value === rows[i]);

/** A thread that has not made its batch by then is not waited for: starting one takes some tenths of a second. */
const TIMEOUT_MILLISECONDS = 2000;

type OtherThread = { readonly worker: Worker; failed: boolean };

/** Starts the thread with a copy of the set. It does not keep the process alive. */
function startThread(set: ImagesInMemory): OtherThread {
  const { some: _, names: __, ...plain } = set;
  const images = { ...plain, images: shared(set.images), labels: shared(set.labels) };
  const worker = new Worker(new URL("./batchWorker.js", import.meta.url), { workerData: { set: images } });
  const thread: OtherThread = { worker, failed: false };
  worker.unref();
  worker.on("error", () => {
    thread.failed = true;
  });
  return thread;
}

/** Makes assembleTrainBatch's batches ahead, bit for bit, in a thread that starts with the first request. */
export function openPrefetcher(set: ImagesInMemory): Prefetcher {
  let thread: OtherThread | undefined;
  let order: Order | undefined;
  // Two slots in turns: one is read while the other is written.
  const slots = [new SharedArrayBuffer(0), new SharedArrayBuffer(0)];
  let turn = 0;
  return {
    prepare(rows) {
      thread ??= startThread(set);
      turn = 1 - turn;
      const bytes = batchBytes(set, rows.length / PLAN_COLUMNS);
      if ((slots[turn] as SharedArrayBuffer).byteLength < bytes) slots[turn] = new SharedArrayBuffer(bytes);
      const slot = slots[turn] as SharedArrayBuffer;
      order = { rows: rows.slice(), slot, flag: new SharedArrayBuffer(4) };
      thread.worker.postMessage(order);
    },
    take(rows) {
      const asked = order;
      order = undefined;
      if (asked === undefined || thread?.failed || !beginsWith(asked.rows, rows)) {
        return assembleTrainBatch(set, rows);
      }
      const made = Atomics.wait(new Int32Array(asked.flag), 0, 0, TIMEOUT_MILLISECONDS);
      if (made === "timed-out") return assembleTrainBatch(set, rows);
      const { images, labels } = hostBatchIn(asked.slot, set, asked.rows.length / PLAN_COLUMNS);
      const count = rows.length / PLAN_COLUMNS;
      return { images: images.subarray(0, count * valuesOf(set)), labels: labels.subarray(0, count) };
    },
    close() {
      void thread?.worker.terminate();
    },
  };
}
