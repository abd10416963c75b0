import { createRegistry } from "../common/registry.js";
import { CIFAR100 } from "./cifar/row.js";
import type { DatasetRow } from "./dataset.js";

/** Every data set, by name. A new one is one file and one row here. */
export const DATASETS = createRegistry<DatasetRow>({ one: "data set", many: "Data sets" }, [
  CIFAR100,
]);
