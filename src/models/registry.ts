import { inputError } from "../common/errors.js";
import { didYouMean } from "../common/nearest.js";
import { CIFAR_ROWS } from "./cifarRows.js";
import { IMAGENET_ROWS } from "./imageNetRows.js";
import type { ModelRow } from "./types.js";

const ROWS: readonly ModelRow[] = [...CIFAR_ROWS, ...IMAGENET_ROWS];

/** Every model, by name. A new family is one file of layers and one line of rows here. */
export const MODELS: ReadonlyMap<string, ModelRow> = new Map(ROWS.map((row) => [row.name, row]));

/** Names of all models, in the order of the registry. */
export const modelNames = (): string[] => [...MODELS.keys()];

/**
 * The row of a model.
 * @throws inputError "unknown model" with the nearest name
 */
export function modelRow(name: string): ModelRow {
  const row = MODELS.get(name);
  if (row !== undefined) return row;
  throw inputError(
    `unknown model ${name}.${didYouMean(name, modelNames())}`,
    `Models: ${modelNames().join(", ")}.`,
  );
}
