import { encodeMetadata, type Metadata } from "../checkpoint/metadata.js";
import { serializeSafetensors } from "../checkpoint/safetensors.js";
import { GRAPH_FILE, STATE_FILE } from "../checkpoint/savedModelFolder.js";
import { writeFolderAtomic } from "../common/atomicFolder.js";
import type { StateDict } from "../common/stateDict.js";
import { savedModelBytes } from "../compile/graph/savedModel.js";
import { CIFAR100 } from "../data/cifar/row.js";
import { IMAGENET } from "../data/normalize.js";
import { variablesOf } from "../learn/learner.js";
import { buildModel } from "../models/build.js";
import { modelRow } from "../models/registry.js";
import { zeroFill } from "../nn/initialization.js";
import { loadTensorFlow, tf } from "../runtime/tf.js";
import { loadState } from "../train/files/stateFiles.js";
import { servingGraph } from "./servingGraph.js";

/** A checkpoint that is to become a SavedModel. */
export interface SavedModelSource {
  /** The file that it was read from, for messages. */
  readonly path: string;
  readonly model: string;
  readonly state: StateDict;
  readonly metadata: Metadata;
}

/**
 * Writes a TensorFlow SavedModel: the graph with its weights, and the state as it was read, so that converting back
 * gives the same bits. A folder in its place is replaced.
 * @param env the process's environment
 * @throws inputError for an unknown model or tensors that do not fit it
 */
export async function exportSavedModel(
  to: string,
  source: SavedModelSource,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { model_name: _, ...others } = source.metadata; // how a .pth spells the model
  const metadata = encodeMetadata({ ...others, model: source.model });
  await writeFolderAtomic(to, {
    [GRAPH_FILE]: graphBytes(source, env),
    [STATE_FILE]: serializeSafetensors(source.state, metadata),
  });
}

function graphBytes(
  { path, model: modelName, state }: SavedModelSource,
  env: Readonly<Record<string, string | undefined>>,
): Uint8Array {
  const { classes, format } = CIFAR100; // what models are for whose row says nothing else
  const { numClasses = classes, imageSize = format.height } = modelRow(modelName);
  loadTensorFlow({ env, keepPrograms: false });
  const model = buildModel(modelName, numClasses, zeroFill);
  try {
    loadState(model.state, state, { path, modelName });
    const normalization = imageSize === format.height ? format.normalization : IMAGENET;
    return savedModelBytes(servingGraph(model, imageSize, normalization));
  } finally {
    tf.dispose(variablesOf(model.state));
  }
}
