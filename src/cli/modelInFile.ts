import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { modelNames } from "../models/registry.js";

/** The paper's `*_last.pth` hold the options of their run. */
const optionsIn = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/**
 * The model that a checkpoint says it is: pefd's own name it, those of the paper's code may hold their options.
 * @throws inputError for a file that is no checkpoint
 */
export async function modelNameInFile(path: string): Promise<string | undefined> {
  const { metadata } = await readCheckpoint(path);
  const { model, model_s } = optionsIn(metadata.opt);
  return [metadata.model, metadata.model_name, model_s, model].find(
    (name): name is string => typeof name === "string" && modelNames().includes(name),
  );
}
