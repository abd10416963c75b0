import { PefdError } from "../../../common/errors.js";
import type { NativeBinding } from "../../../runtime/native.js";
import type { ImagesInFiles } from "../../dataset.js";
import { imageBytes } from "../byteBatch.js";
import { imageName, type Room, readImage, reusedRoom } from "../places.js";
import { trainingView } from "../randomCrop.js";
import { type ImageReader, openImageReader } from "../reader.js";
import { evaluationView, type ImageSize, type View } from "../view.js";
import { isWanted, type Ring, rowOf, settleDone, settleFailed } from "./ring.js";

/** What a thread has to know of a set: everything but the labels. */
export type StreamedSet = Omit<ImagesInFiles, "labels" | "positions">;

/** What the threads of a stream are given. */
export interface StreamWork {
  readonly ring: Ring;
  readonly sets: readonly StreamedSet[];
  /** Of the random crops. */
  readonly seed: number;
}

/** What a thread reads images with. */
export interface TicketReader {
  readonly reader: ImageReader;
  /** Of one file at a time. */
  readonly room: Room;
}

/** @param binding of this thread */
export const openTicketReader = (binding: NativeBinding): TicketReader => ({
  reader: openImageReader(binding),
  room: reusedRoom(),
});

/** An error as text, for another thread to throw; what is no error for people is a defect, and is told with its trace. */
const textOf = (error: unknown): string =>
  JSON.stringify(
    error instanceof PefdError
      ? { message: error.message, hint: error.hint }
      : { defect: error instanceof Error ? error.stack?.slice(0, 2000) : String(error) },
  );

/** What a row's epoch shows of an image: 0 is evaluation. */
function viewOf(
  set: StreamedSet,
  size: ImageSize,
  image: number,
  epoch: number,
  seed: number,
): View {
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
    const bytes = reader.show(imageName(set.places, image), file, (size) =>
      viewOf(set, size, image, epoch, seed),
    );
    imageBytes(ring.images, set, ticket % ring.slots).set(bytes);
    settleDone(ring, ticket);
  } catch (error) {
    settleFailed(ring, ticket, textOf(error));
  }
}
