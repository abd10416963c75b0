import { inputError } from "../common/errors.js";
import { createRegistry } from "../common/registry.js";
import { CIFAR10 } from "./cifar/cifar10.js";
import { CIFAR100 } from "./cifar/row.js";
import type { DatasetRow } from "./dataset.js";
import { FOLDER, IMAGENET } from "./folder/row.js";
import { STL10 } from "./stl10.js";
import { TINY_IMAGENET } from "./tinyImageNet/tinyImageNet.js";

/** Every data set, by name. A new one is one file and one row here. */
export const DATASETS = createRegistry<DatasetRow>({ one: "data set", many: "Data sets" }, [
  CIFAR100,
  CIFAR10,
  STL10,
  TINY_IMAGENET,
  IMAGENET,
  FOLDER,
]);

/** A data set with images of `side`, its own by default. @throws inputError for an unknown name or another size */
export function sizedDataset(name: string, side?: number): DatasetRow {
  const row = DATASETS.row(name);
  const { height } = row.format;
  if (side === undefined || side === height) return row;
  if (row.sized !== undefined) return row.sized(side);
  throw inputError(
    `--image_size ${side}: the images of ${name} are ${height}x${height} and are not resized.`,
    "Drop it; it is only for data sets of image files, such as folder.",
  );
}
