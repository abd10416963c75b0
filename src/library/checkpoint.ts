import { toFloat32 } from "../checkpoint/float.js";
import { type Checkpoint, readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { inputError } from "../common/errors.js";
import { didYouMean } from "../common/text.js";
import { datasetIn, modelNameIn } from "../config/modelName.js";

export interface OpenedCheckpoint extends Checkpoint {
  /** Its recorded model and data set; undefined if unknown. */
  readonly model: string | undefined;
  readonly dataset: string | undefined;
  /** A tensor's values in PyTorch's layout. @throws PefdError if it is missing */
  values(name: string): Float32Array;
}

/** See index.ts. */
export async function openCheckpoint(path: string): Promise<OpenedCheckpoint> {
  const checkpoint = await readCheckpoint(path);
  const { metadata, state } = checkpoint;
  return {
    ...checkpoint,
    model: modelNameIn(metadata),
    dataset: datasetIn(metadata),
    values(name) {
      const tensor = state.get(name);
      if (tensor !== undefined) return toFloat32(tensor);
      throw inputError(`${path} has no tensor ${name}.${didYouMean(name, [...state.keys()])}`);
    },
  };
}
