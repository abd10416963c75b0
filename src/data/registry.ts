import { createRegistry } from "../common/registry.js";
import { CIFAR10 } from "./cifar/cifar10.js";
import { CIFAR100 } from "./cifar/row.js";
import type { DatasetRow } from "./dataset.js";
import { FOLDER, IMAGENET } from "./folder/row.js";
import { STL10 } from "./stl10/row.js";
import { TINY_IMAGENET } from "./tinyImageNet/row.js";

/** Every data set, by name. A new one is one file and one row here. */
export const DATASETS = createRegistry<DatasetRow>({ one: "data set", many: "Data sets" }, [
  CIFAR100,
  CIFAR10,
  STL10,
  TINY_IMAGENET,
  IMAGENET,
  FOLDER,
]);
