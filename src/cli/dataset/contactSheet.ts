import type { Augmentation } from "../../data/augmentation.js";
import type { Dataset, DatasetRow, ImageSet } from "../../data/dataset.js";
import { smallPng } from "../../data/images/png.js";
import type { ImageReader } from "../../data/images/reader.js";
import { type Shown, shownImages, shownOf } from "../../data/showImages.js";
import type { Sheet, SheetPart, SheetRow } from "../../report/sheet.js";
import type { Mistake } from "../../train/predict.js";

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

/**
 * The contact sheet of a data set: training images as a run sees them in some epochs, test images as evaluated.
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
    title: `${row.title} as a model sees it`,
    notes: [
      `${height} x ${width} pixels; shown without normalization.`,
      `Training: ${augmentationText(augmentation)}; seed ${seed}.`,
      `Evaluation: ${evaluationText(row)}.`,
    ],
    parts: [part(train, "Training images", epochs), part(test, "Test images", [EVALUATION])],
  };
}

/** Mistakes on a sheet. */
const MOST_MISTAKES = 100;

/** The contact sheet of a student's mistakes, as train/predict.ts has them. @throws runError as contactSheet does */
export function mistakeSheet(
  row: DatasetRow,
  set: ImageSet,
  names: readonly string[],
  found: readonly Mistake[],
  reader: () => ImageReader,
): Sheet {
  const images = found.slice(0, MOST_MISTAKES).map(({ image }) => image);
  const shown = shownOf(set, images, { epochs: [EVALUATION], seed: 0, reader });
  const rows = shown.map((each, i): SheetRow => {
    const { predicted, probability } = found[i] as Mistake;
    const told = `${names[each.label]}, taken for ${names[predicted]} (${percent(probability)})`;
    return { ...rowOf(each, names), className: told };
  });
  return {
    title: `${row.title}: what the student gets wrong and the teacher right`,
    notes: [`${found.length} of ${set.count} test images, those first that the student is surest of.`],
    parts: [{ title: `Mistakes: ${rows.length} of ${found.length}`, columns: ["file", "evaluation"], rows }],
  };
}
