import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { runError } from "../../common/errors.js";
import type { PackedImage, ReadImages } from "./pack.js";
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
    const answers = new Map<number, ReencodeAnswer>();
    let failure: unknown;
    let wake = () => {};
    for (const thread of threads) {
      thread.on("message", (answer: ReencodeAnswer) => {
        answers.set(answer.image, answer);
        wake();
      });
      thread.on("error", (error) => {
        failure = error;
        wake();
      });
    }
    try {
      for (let [given, taken] = [0, 0]; taken < count; taken++) {
        for (; given < Math.min(count, taken + number * AHEAD); given++) threads[given % number]?.postMessage(given);
        yield await answerOf(taken);
      }
    } finally {
      await Promise.all(threads.map((thread) => thread.terminate()));
    }

    async function answerOf(image: number): Promise<PackedImage> {
      while (!answers.has(image)) {
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const { packed, problem } = answers.get(image) as ReencodeAnswer;
      answers.delete(image);
      if (packed !== undefined) return packed;
      throw runError(problem?.message ?? "An image was lost.", problem?.hint);
    }
  };
}
