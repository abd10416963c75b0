import { createRegistry } from "../common/registry.js";
import { CIFAR_ROWS } from "./cifarRows.js";
import { IMAGENET_ROWS } from "./imageNetRows.js";
import { TRANSFORMER_ROWS } from "./transformerRows.js";
import { IMAGE_SIZE, type ModelRow } from "./types.js";

/** Every model, by name. */
export const MODELS = createRegistry<ModelRow>({ one: "model", many: "Models" }, [
  ...CIFAR_ROWS,
  ...IMAGENET_ROWS,
  ...TRANSFORMER_ROWS,
  // A new family is a file of layers and a row here.
]);

/** Names of all models, in the order of the registry. */
export const modelNames = MODELS.names;

/** The row of a model. @throws inputError "unknown model" with the nearest name */
export const modelRow = MODELS.row;

/** Height and width of a model's images: those given, or what it is made for. */
export const sideOf = ({ imageSize = IMAGE_SIZE }: ModelRow, given?: number): number => given ?? imageSize;
