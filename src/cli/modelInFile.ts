import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { modelNameIn } from "../config/modelName.js";

/** The model that a checkpoint says it is; throws inputError for a file that is no checkpoint. */
export const modelNameInFile = async (path: string): Promise<string | undefined> =>
  modelNameIn((await readCheckpoint(path)).metadata);
