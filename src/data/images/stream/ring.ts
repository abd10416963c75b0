import { PefdError } from "../../../common/errors.js";
import type { NativeBinding } from "../../../runtime/native.js";
import type { ImageShape, ImagesInFiles } from "../../dataset.js";
import { imageBytes, wordsOf } from "../byteBatch.js";
import { imageName, type Room, readImage, reusedRoom } from "../places.js";
import { type ImageReader, openImageReader } from "../reader.js";
import { evaluationView, type ImageSize, trainingView, type View } from "../view.js";

/** A set without its labels, for threads. */
type StreamedSet = Omit<ImagesInFiles, "labels" | "positions">;

export type StreamWork = { readonly ring: Ring; readonly sets: readonly StreamedSet[]; readonly seed: number };

export type TicketReader = { readonly reader: ImageReader; readonly room: Room };

/** @param binding of this thread */
export const openTicketReader = (binding: NativeBinding): TicketReader => ({
  reader: openImageReader(binding),
  room: reusedRoom(),
});

/** An error as text, for another thread to throw; bugs include their stack trace. */
const textOf = (error: unknown): string =>
  JSON.stringify(
    error instanceof PefdError
      ? { message: error.message, hint: error.hint }
      : { defect: error instanceof Error ? error.stack?.slice(0, 2000) : String(error) },
  );

/** The view of an image in a row's epoch; 0 is evaluation. */
function viewOf(set: StreamedSet, size: ImageSize, image: number, epoch: number, seed: number): View {
  if (epoch === 0) return evaluationView(size, set.evaluation);
  return trainingView(size, set, set.augmentation, { seed, epoch, image });
}

/** Reads the image of a ticket into its slot, or notes why it cannot be. */
export function readTicket(work: StreamWork, { reader, room }: TicketReader, ticket: number): void {
  const { ring, sets, seed } = work;
  if (!isWanted(ring, ticket)) {
    settleDone(ring, ticket);
    return;
  }
  const [setIndex, image, epoch] = rowOf(ring, ticket);
  try {
    const set = sets[setIndex] as StreamedSet;
    const file = readImage(set.places, image, room);
    const bytes = reader.show(imageName(set.places, image), file, (size) => viewOf(set, size, image, epoch, seed));
    imageBytes(ring.images, set, ticket % ring.slots).set(bytes);
    settleDone(ring, ticket);
  } catch (error) {
    settleFailed(ring, ticket, textOf(error));
  }
}

// Threads share tickets, one image to be read each, counted up from 0 for a run's life; ticket t uses slot t mod slots.

/** A ticket: set, image, and epoch (from 1; 0 for evaluation). */
export type TicketRow = readonly [set: number, image: number, epoch: number];

const COLUMNS = 3;
/** Bytes for the error of an image. */
const TEXT_BYTES = 4096;

// Places of `control`.
const [NEXT, LIMIT, SKIPPED, CLOSED] = [0, 1, 2, 3];

export interface Ring {
  readonly slots: number;
  /** Next ticket to take, first not to be taken yet, first still wanted, and whether nobody wants any more. */
  readonly control: Int32Array<SharedArrayBuffer>;
  /** [slots], 1 + the last ticket that was read into it, negative where it failed. */
  readonly state: Int32Array<SharedArrayBuffer>;
  /** [slots, 3] */
  readonly rows: Int32Array<SharedArrayBuffer>;
  /** [slots, TEXT_BYTES], what is wrong with an image: UTF-8, ended by 0. */
  readonly texts: Uint8Array<SharedArrayBuffer>;
  /** [slots, words], each image's bytes [height, width, 3] (byteBatch.ts). */
  readonly images: Int32Array<SharedArrayBuffer>;
}

/** Memory for so many images. */
export function createRing(shape: ImageShape, slots: number): Ring {
  const numbers = (count: number) => new Int32Array(new SharedArrayBuffer(4 * count));
  return {
    slots,
    control: numbers(4),
    state: numbers(slots),
    rows: numbers(slots * COLUMNS),
    texts: new Uint8Array(new SharedArrayBuffer(slots * TEXT_BYTES)),
    images: numbers(slots * wordsOf(shape)),
  };
}

/** Contents of a ticket. */
export function rowOf({ rows, slots }: Ring, ticket: number): TicketRow {
  const at = (ticket % slots) * COLUMNS;
  return [rows[at] as number, rows[at + 1] as number, rows[at + 2] as number];
}

/** Writes what the next tickets, from `first` on, are about, and lets threads take them. */
export function grant(ring: Ring, first: number, tickets: readonly TicketRow[]): void {
  for (const [i, row] of tickets.entries()) ring.rows.set(row, ((first + i) % ring.slots) * COLUMNS);
  Atomics.store(ring.control, LIMIT, first + tickets.length);
  Atomics.notify(ring.control, LIMIT);
}

/** A ticket that nobody else gets; undefined where there is none now. */
export function takeTicket({ control }: Ring): number | undefined {
  for (;;) {
    const next = Atomics.load(control, NEXT);
    if (next >= Atomics.load(control, LIMIT)) return undefined;
    if (Atomics.compareExchange(control, NEXT, next, next + 1) === next) return next;
  }
}

/** Has all threads end once they are done with the ticket that they have. */
export function closeRing({ control }: Ring): void {
  Atomics.store(control, CLOSED, 1);
  // A new value, so that a thread about to sleep does not.
  Atomics.store(control, LIMIT, -1);
  Atomics.notify(control, LIMIT);
}

/** Whether nobody wants tickets any more. */
export const isClosed = ({ control }: Ring): boolean => Atomics.load(control, CLOSED) === 1;

/** Sleeps until there may be tickets again, or never any more. */
export function waitForTickets(ring: Ring): void {
  const { control } = ring;
  const limit = Atomics.load(control, LIMIT);
  if (!isClosed(ring) && Atomics.load(control, NEXT) >= limit) Atomics.wait(control, LIMIT, limit);
}

/** Cancels the tickets before this one. */
export const skipBefore = ({ control }: Ring, ticket: number): void => {
  Atomics.store(control, SKIPPED, ticket);
};

/** Whether a ticket is still wanted. */
export const isWanted = ({ control }: Ring, ticket: number): boolean => ticket >= Atomics.load(control, SKIPPED);

function settle({ state, slots }: Ring, ticket: number, value: number): void {
  Atomics.store(state, ticket % slots, value);
  Atomics.notify(state, ticket % slots);
}

const settleDone = (ring: Ring, ticket: number): void => settle(ring, ticket, ticket + 1);

function settleFailed(ring: Ring, ticket: number, text: string): void {
  const start = (ticket % ring.slots) * TEXT_BYTES;
  const room = ring.texts.subarray(start, start + TEXT_BYTES).fill(0);
  room.set(Buffer.from(text).subarray(0, TEXT_BYTES - 1));
  settle(ring, ticket, -(ticket + 1));
}

/** How a ticket stands; undefined where it is still being read. */
export function outcomeOf({ state, slots }: Ring, ticket: number): "done" | "failed" | undefined {
  const value = Atomics.load(state, ticket % slots);
  if (value === ticket + 1) return "done";
  return value === -(ticket + 1) ? "failed" : undefined;
}

/** Why a ticket failed. */
export function failureOf({ texts, slots }: Ring, ticket: number): string {
  const start = (ticket % slots) * TEXT_BYTES;
  const bytes = Buffer.from(texts.slice(start, start + TEXT_BYTES));
  return bytes.toString("utf8", 0, bytes.indexOf(0));
}

/** Sleeps until another thread has settled a ticket. @returns false where that took too long */
export function waitForOutcome(ring: Ring, ticket: number, milliseconds: number): boolean {
  const { state, slots } = ring;
  const before = Atomics.load(state, ticket % slots);
  if (outcomeOf(ring, ticket) !== undefined) return true;
  return Atomics.wait(state, ticket % slots, before, milliseconds) !== "timed-out";
}
