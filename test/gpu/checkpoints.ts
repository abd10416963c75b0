import { join } from "node:path";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { formulaState } from "../helpers/formula.js";

/** Writes a checkpoint of a model that was never trained. @returns its file */
export async function checkpointOf(model: string, folder: string): Promise<string> {
  const path = join(folder, `${model}.safetensors`);
  await writeCheckpoint(path, formulaState(model), { model });
  return path;
}
