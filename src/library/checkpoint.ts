import { toFloat32 } from "../checkpoint/float.js";
import { type Checkpoint, readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { inputError } from "../common/errors.js";
import { didYouMean } from "../common/text.js";
import { datasetIn, modelNameIn } from "../config/modelName.js";

/** A checkpoint that was read. */
export interface OpenedCheckpoint extends Checkpoint {
  /** The model and the data set that it says it is of; undefined where it says none that there is. */
  readonly model: string | undefined;
  readonly dataset: string | undefined;
  /** The values of one of its tensors, in PyTorch's layout. @throws PefdError where it has no such tensor */
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
