import type { Augmentation } from "../../data/augmentation.js";
import type { Dataset, DatasetRow } from "../../data/dataset.js";
import { smallPng } from "../../data/images/png.js";
import type { ImageReader } from "../../data/images/reader.js";
import { type Shown, shownImages } from "../../data/showImages.js";
import type { Sheet, SheetPart, SheetRow } from "../../report/sheet.js";

export interface SheetWish {
  /** Per split. */
  readonly images: number;
  /** From 1. */
  readonly epochs: readonly number[];
  readonly seed: number;
}

const EVALUATION = 0;

const rowOf = (shown: Shown, names: readonly string[]): SheetRow => ({
  className: names[shown.label] ?? String(shown.label),
  name: shown.name,
  ...shown.size,
  pictures: [shown.original, ...shown.views].map((image) => ({ ...image, png: smallPng(image) })),
});

const percent = (share: number): string => `${Math.round(100 * share)} %`;

function augmentationText(augmentation: Augmentation): string {
  if (augmentation.kind === "shift") {
    return `random crop with ${augmentation.padding} pixels of zero padding, random horizontal flip`;
  }
  if (augmentation.kind === "rotation") {
    return `random rotation by up to ${augmentation.degrees} degrees, black fill, random horizontal flip`;
  }
  const [least, largest] = augmentation.scale.map(percent);
  return `random resized crop of ${least} to ${largest} of the area, random horizontal flip`;
}

function evaluationText({ evaluation, format }: DatasetRow): string {
  if (evaluation === "as is") return "as they are";
  return `short side resized to ${evaluation.resize}, center crop of ${format.height} x ${format.width} pixels`;
}

/** A data set's contact sheet. @param reader opened where images are encoded @throws runError for an unusable image */
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
    title: `${row.title} as a model sees it`,
    notes: [
      `${height} x ${width} pixels; shown without normalization.`,
      `Training: ${augmentationText(augmentation)}; seed ${seed}.`,
      `Evaluation: ${evaluationText(row)}.`,
    ],
    parts: [part(train, "Training images", epochs), part(test, "Test images", [EVALUATION])],
  };
}
