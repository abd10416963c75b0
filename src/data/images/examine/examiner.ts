import { once } from "node:events";
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { ImageReader } from "../reader.js";
import { examineImages } from "./examineImage.js";
import type { Examined, ImageExaminer, ToExamine } from "./types.js";

export type OpenExaminer = ImageExaminer & { close(): void };

export interface ExaminerSettings {
  /** Threads, at most one per CPU core; 0 means only this one. */
  readonly workers: number;
  /** Opened in this thread, which loads TensorFlow, before any other thread is started. */
  reader(): ImageReader;
  onProgress?(done: number, all: number): void;
}

/** So few images at once that the threads end together, and so many that handing them out costs nothing. */
const IMAGES_PER_JOB = 16;

/** Starting a thread takes as long as decoding some hundred images. */
const IMAGES_PER_THREAD = 64;

function slice({ names, source, size }: ToExamine, from: number): ToExamine {
  const to = from + IMAGES_PER_JOB;
  const part =
    "files" in source ? { files: source.files.slice(from, to) } : { places: source.places, first: source.first + from };
  return { names: names.slice(from, to), source: part, size };
}

type Hand = (job: ToExamine) => Promise<readonly Examined[]>;

/** A thread's work; once it has failed, this thread does it. */
function handOf(worker: Worker, here: Hand): Hand {
  let hasFailed = false;
  worker.on("error", () => {
    hasFailed = true;
  });
  return async (job) => {
    if (hasFailed) return here(job);
    worker.postMessage(job);
    try {
      const [found] = await once(worker, "message");
      return found as readonly Examined[];
    } catch {
      return here(job);
    }
  };
}

/** Opens an examiner; as many threads as the first images are worth start with these. */
export function openExaminer({ workers, reader, onProgress }: ExaminerSettings): OpenExaminer {
  const here: Hand = async (job) => {
    await setImmediate();
    return examineImages(job, reader());
  };
  const threads: Worker[] = [];
  let hands: readonly Hand[] | undefined;

  function start(images: number): readonly Hand[] {
    reader();
    const useful = Math.floor(images / IMAGES_PER_THREAD);
    for (let i = 0; i < Math.min(workers, availableParallelism(), useful); i++) {
      threads.push(new Worker(new URL("./examineThread.js", import.meta.url)));
    }
    return threads.length === 0 ? [here] : threads.map((thread) => handOf(thread, here));
  }

  return {
    async examine(images) {
      const all = images.names.length;
      const found: Examined[] = [];
      hands ??= start(all);
      let next = 0;
      let done = 0;
      const work = async (hand: Hand) => {
        while (next < all) {
          const from = next;
          next += IMAGES_PER_JOB;
          const examined = await hand(slice(images, from));
          for (const [i, each] of examined.entries()) found[from + i] = each;
          done += examined.length;
          onProgress?.(done, all);
        }
      };
      await Promise.all(hands.map(work));
      return found;
    },
    close() {
      for (const thread of threads) void thread.terminate();
    },
  };
}
