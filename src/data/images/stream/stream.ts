import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { runError } from "../../../common/errors.js";
import { nativeBackend } from "../../../runtime/native.js";
import type { ImagesInFiles } from "../../dataset.js";
import { wordsOf } from "../byteBatch.js";
import {
  closeRing,
  createRing,
  failureOf,
  grant,
  openTicketReader,
  outcomeOf,
  type Ring,
  readTicket,
  rowOf,
  type StreamWork,
  skipBefore,
  type TicketReader,
  type TicketRow,
  takeTicket,
  waitForOutcome,
} from "./ring.js";

/** Reads images of files ahead of the steps, in threads. The bytes are the same for any number of them. */
export interface ImageStream {
  /** Most images that can be taken at once: half of what there is memory for. */
  readonly most: number;
  /**
   * The images of some rows, [rows, wordsOf] as bytes (byteBatch.ts), valid until the next take.
   * @param upcoming rows that will be asked for next: as many as there is room for are read meanwhile
   * @throws runError for an image that cannot be used, when it is its turn
   */
  take(rows: readonly TicketRow[], upcoming?: readonly TicketRow[]): Int32Array;
  /** Ends the threads. Nothing can be taken afterwards. */
  close(): void;
}

export interface StreamSettings {
  readonly seed: number;
  /** Threads beside the asking one, which reads while it waits; at most one per CPU core. */
  readonly workers: number;
  /** Images that have to fit into half of the memory. */
  readonly batchSize: number;
  /** Memory for images that are read ahead, unless two batches take more. */
  readonly aheadBytes?: number;
}

const AHEAD_BYTES = 32e6;

/** A thread that has not read one image by then never will. */
const TIMEOUT_MILLISECONDS = 120_000;

/** A thread's garbage is pixels and a few small objects an image: V8 would let tens of megabytes of it lie. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 1 };

function startThreads(work: StreamWork, workers: number): void {
  const url = new URL("./streamThread.js", import.meta.url);
  for (let i = 0; i < Math.min(workers, availableParallelism()); i++) {
    const thread = new Worker(url, { workerData: work, resourceLimits: THREAD_LIMITS });
    thread.unref();
    // A thread that does not start is not needed: the caller reads, too.
    thread.on("error", () => {});
  }
}

const isSame = (a: TicketRow, b: TicketRow): boolean => a.every((value, i) => value === b[i]);

/** Waits for a ticket; meanwhile this thread reads, too. */
function finish(work: StreamWork, reader: TicketReader, ticket: number): void {
  const { ring } = work;
  while (outcomeOf(ring, ticket) === undefined) {
    const own = takeTicket(ring);
    if (own !== undefined) readTicket(work, reader, own);
    else if (!waitForOutcome(ring, ticket, TIMEOUT_MILLISECONDS)) {
      throw runError("A thread that reads images has stopped.", "Continue with --resume.");
    }
  }
}

function refuseFailed(ring: Ring, ticket: number): void {
  if (outcomeOf(ring, ticket) !== "failed") return;
  const { message, hint, defect } = JSON.parse(failureOf(ring, ticket)) as Record<string, string>;
  throw message === undefined ? new Error(defect) : runError(message, hint);
}

/** Opens a stream over sets shown in one size; threads start with the first take. TensorFlow must be loaded. */
export function openImageStream(
  sets: readonly ImagesInFiles[],
  { seed, workers, batchSize, aheadBytes = AHEAD_BYTES }: StreamSettings,
): ImageStream {
  const shape = sets[0] as ImagesInFiles;
  const size = wordsOf(shape);
  // Whole batches, so that few lie at the ring's end and start at once.
  const batches = Math.max(2, Math.floor(aheadBytes / (4 * size * batchSize)));
  const slots = batches * batchSize;
  const ring = createRing(shape, slots);
  const plain = sets.map(({ labels: _, positions: __, ...set }) => set);
  const work = { ring, sets: plain, seed };
  let opened: TicketReader | undefined;
  let taken = 0; // the first ticket that is not handed out
  let granted = 0; // the first one that nobody may read yet
  let joined = new Int32Array(0);

  /** The first time starts the threads. */
  function open(): TicketReader {
    if (opened === undefined) {
      opened = openTicketReader(nativeBackend().binding);
      startThreads(work, workers);
    }
    return opened;
  }

  function allow(rows: readonly TicketRow[]): void {
    grant(ring, granted, rows);
    granted += rows.length;
  }

  function forget(reader: TicketReader): void {
    skipBefore(ring, granted);
    for (; taken < granted; taken++) finish(work, reader, taken);
  }

  /** Images of consecutive tickets: as they lie, or put together where they lie at the ring's end and start. */
  function imagesOf(first: number, count: number): Int32Array {
    const start = first % slots;
    const before = Math.min(count, slots - start);
    const tail = ring.images.subarray(start * size, (start + before) * size);
    if (before === count) return tail;
    // One array serves whenever that happens: nobody needs the last one any more.
    if (joined.length < count * size) joined = new Int32Array(count * size);
    joined.set(tail);
    joined.set(ring.images.subarray(0, (count - before) * size), before * size);
    return joined.subarray(0, count * size);
  }

  return {
    most: Math.floor(slots / 2),
    take(rows, upcoming = []) {
      if (rows.length > slots) {
        throw new RangeError(`${rows.length} images exceed the ${slots} slots.`);
      }
      const reader = open();
      const isAhead = rows.every((row, i) => taken + i >= granted || isSame(row, rowOf(ring, taken + i)));
      if (!isAhead) forget(reader);
      const first = taken;
      const known = granted - first;
      allow([...rows.slice(known), ...upcoming.slice(Math.max(0, known - rows.length))].slice(0, slots - known));
      for (let i = 0; i < rows.length; i++) finish(work, reader, first + i);
      for (let i = 0; i < rows.length; i++) refuseFailed(ring, first + i);
      taken += rows.length;
      return imagesOf(first, rows.length);
    },
    close: () => closeRing(ring),
  };
}
