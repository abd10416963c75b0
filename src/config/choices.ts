import type { Row } from "../common/optionRow.js";
import { DATASETS } from "../data/registry.js";
import { methodNames } from "../distill/registry.js";
import { modelNames } from "../models/registry.js";

/** What a row of type "choice" may be, from the registry it names or its own list; empty for other rows. */
export function choicesOf(row: Row): readonly string[] {
  if (row.choices === "models") return modelNames();
  if (row.choices === "methods") return methodNames();
  if (row.choices === "datasets") return DATASETS.names();
  return row.choices ?? [];
}
