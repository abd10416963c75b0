import { on } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { runError } from "../../common/errors.js";
import type { ReadImages } from "./pack.js";
import type { ReencodeAnswer, ReencodeWork, Reencoding } from "./reencode.js";

/** Images that each thread may be ahead of the writer, so that memory is bounded. */
const AHEAD = 4;

/** Images made smaller in order, the same for any number of threads (at most one a core). TensorFlow must be loaded. */
export function reencodeAll(reencoding: Reencoding, workers: number): ReadImages {
  return async function* (places, count) {
    const number = Math.max(1, Math.min(workers, availableParallelism()));
    const url = new URL("./reencodeThread.js", import.meta.url);
    const workerData: ReencodeWork = { places, reencoding };
    const threads = Array.from({ length: number }, () => new Worker(url, { workerData }));
    // Each answers in the order in which it was asked.
    const answers = threads.map((thread): AsyncIterator<ReencodeAnswer[]> => on(thread, "message"));
    try {
      for (let [given, taken] = [0, 0]; taken < count; taken++) {
        for (; given < Math.min(count, taken + number * AHEAD); given++) threads[given % number]?.postMessage(given);
        const answer = await answers[taken % number]?.next();
        const [{ packed, problem } = {}] = (answer?.value ?? []) as ReencodeAnswer[];
        if (packed === undefined) throw runError(problem?.message ?? "An image was lost.", problem?.hint);
        yield packed;
      }
    } finally {
      await Promise.all(threads.map((thread) => thread.terminate()));
    }
  };
}
