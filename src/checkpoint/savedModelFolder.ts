import { existsSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../common/errors.js";

export const GRAPH_FILE = "saved_model.pb";
/** Where TensorFlow ignores other programs' files; holds the state with PyTorch's names, bit for bit. */
export const STATE_FILE = "assets.extra/model.safetensors";

/** Beside it: what the model predicts through, where that is more than the model. */
export const PREDICTOR_FILE = "assets.extra/model_predictor.safetensors";

/** Whether a path is the folder of a SavedModel, whoever wrote it. */
export const isSavedModel = (path: string): boolean => existsSync(join(path, GRAPH_FILE));

/** The checkpoint in a SavedModel of `pefd convert`; other paths as they are. @throws inputError for foreign ones */
export function checkpointFileOf(path: string): string {
  if (!isSavedModel(path)) return path;
  const file = join(path, STATE_FILE);
  if (existsSync(file)) return file;
  throw inputError(
    `${path} is a SavedModel without ${STATE_FILE}, so it was not written by pefd convert.`,
    "Name the checkpoint that it was made from: a .pth or .safetensors file.",
  );
}
