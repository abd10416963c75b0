import { PefdError } from "../../../common/errors.js";
import type { ImagesInFiles } from "../../dataset.js";
import { valuesOf } from "../../hostBatch.js";
import { knownTable } from "../../normalize.js";
import { imageName, readImage } from "../places.js";
import { trainingView } from "../randomCrop.js";
import type { ImageReader } from "../reader.js";
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

/** Reads the image of a ticket into its slot, normalised as torchvision does, or notes why it cannot be. */
export function readTicket(work: StreamWork, reader: ImageReader, ticket: number): void {
  const { ring, sets, seed } = work;
  if (!isWanted(ring, ticket)) {
    settleDone(ring, ticket);
    return;
  }
  const [setIndex, image, epoch] = rowOf(ring, ticket);
  try {
    const set = sets[setIndex] as StreamedSet;
    const file = readImage(set.places, image);
    const bytes = reader.show(imageName(set.places, image), file, (size) =>
      viewOf(set, size, image, epoch, seed),
    );
    const [table, size] = [knownTable(set.normalization), valuesOf(set)];
    const start = (ticket % ring.slots) * size;
    const target = ring.images.subarray(start, start + size);
    for (let i = 0; i < size; i += 3) {
      target[i] = table[(bytes[i] as number) * 3] as number;
      target[i + 1] = table[(bytes[i + 1] as number) * 3 + 1] as number;
      target[i + 2] = table[(bytes[i + 2] as number) * 3 + 2] as number;
    }
    settleDone(ring, ticket);
  } catch (error) {
    settleFailed(ring, ticket, textOf(error));
  }
}
