import type { Augmentation } from "../../data/augmentation.js";
import type { Dataset, DatasetRow } from "../../data/dataset.js";
import { smallPng } from "../../data/images/png.js";
import type { ImageReader } from "../../data/images/reader.js";
import type { Shown } from "../../data/showImages.js";
import { shownImages } from "../../data/showImages.js";
import type { Sheet, SheetPart, SheetRow } from "../../report/sheet.js";

/** What a contact sheet is to show. */
export interface SheetWish {
  /** Images of each half. */
  readonly images: number;
  /** From 1. */
  readonly epochs: readonly number[];
  /** Of the run. */
  readonly seed: number;
}

/** By which evaluation shows an image. */
const EVALUATION = 0;

const rowOf = (shown: Shown, names: readonly string[]): SheetRow => ({
  className: names[shown.label] ?? String(shown.label),
  name: shown.name,
  ...shown.size,
  pictures: [shown.original, ...shown.views].map((image) => ({ ...image, png: smallPng(image) })),
});

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** What training does, in words. */
function augmentationText(augmentation: Augmentation): string {
  if (augmentation.kind === "shift") {
    return `shifted by up to ${augmentation.padding} pixels, zeros coming in, half of the images mirrored`;
  }
  if (augmentation.kind === "rotation") {
    return `turned by up to ${augmentation.degrees} degrees each way, black coming in, half of the images mirrored`;
  }
  const [least, largest] = augmentation.scale.map(percent);
  return `a random part of ${least} to ${largest} of the area, resized, half of the images mirrored`;
}

function evaluationText({ evaluation, format }: DatasetRow): string {
  if (evaluation === "as is") return "as they are";
  return `the middle ${format.height} x ${format.width} pixels once the short side is resized to ${evaluation.resize}`;
}

/**
 * The contact sheet of a data set: images for training as a run sees them in some epochs, test images as it evaluates them.
 * @param names of the classes
 * @param reader opened where images are encoded, as it needs TensorFlow
 * @throws runError for an image that cannot be used
 */
export function contactSheet(
  row: DatasetRow,
  { train, test }: Dataset,
  names: readonly string[],
  { images, epochs, seed }: SheetWish,
  reader: () => ImageReader,
): Sheet {
  const part = (half: Dataset["train"], title: string, shownIn: readonly number[]): SheetPart => ({
    title: `${title}: ${Math.min(images, half.count)} of ${half.count}`,
    columns: ["file", ...shownIn.map((epoch) => (epoch === EVALUATION ? "evaluation" : `epoch ${epoch}`))],
    rows: shownImages(half, images, { epochs: shownIn, seed, reader }).map((shown) => rowOf(shown, names)),
  });
  const { height, width, augmentation } = row.format;
  return {
    title: `What a model sees of ${row.title}`,
    notes: [
      `A model sees ${height} x ${width} pixels, normalised; that is undone here.`,
      `Training: ${augmentationText(augmentation)}; seed ${seed}.`,
      `Evaluation: ${evaluationText(row)}.`,
    ],
    parts: [part(train, "Training images", epochs), part(test, "Test images", [EVALUATION])],
  };
}
