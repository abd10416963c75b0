import { basename } from "node:path";
import { encodeMetadata, type Metadata } from "../checkpoint/metadata.js";
import { serializeSafetensors } from "../checkpoint/safetensors.js";
import { GRAPH_FILE, PREDICTOR_FILE, STATE_FILE } from "../checkpoint/savedModelFolder.js";
import { writeFolderAtomic } from "../common/files/atomicFolder.js";
import type { StateDict } from "../common/stateDict.js";
import { savedModelBytes } from "../compile/graph/savedModel.js";
import { CIFAR100 } from "../data/cifar/row.js";
import type { ImageFormat } from "../data/dataset.js";
import { IMAGENET } from "../data/normalize.js";
import { sizedDataset } from "../data/registry.js";
import { variablesOf } from "../learn/learner.js";
import { buildModel } from "../models/build.js";
import { stateLayout, surveyModel } from "../models/survey.js";
import { loadTensorFlow, tf } from "../runtime/tf.js";
import { openPredictor, type PredictorFile } from "../train/files/openPredictor.js";
import { loadState } from "../train/files/stateFiles.js";
import { servingGraph } from "./servingGraph.js";

/** A checkpoint that is to become a SavedModel. */
export interface SavedModelSource {
  /** The file that it was read from, for messages. */
  readonly path: string;
  readonly model: string;
  readonly state: StateDict;
  readonly metadata: Metadata;
  /** What its run's evaluations went through, where it was more than the model. */
  readonly predictor?: PredictorFile | undefined;
  /** The data set that it was trained on; the one that the model is made for where left out. */
  readonly dataset?: string | undefined;
  /** Side of its images, where that is not the data set's own. */
  readonly imageSize?: number | undefined;
}

/**
 * Writes a TensorFlow SavedModel: the graph with its weights, and the state as it was read, its predictor's too, so that
 * converting back gives the same bits. A folder in its place is replaced.
 * @param env the process's environment
 * @throws inputError for an unknown model or tensors that do not fit it
 */
export async function exportSavedModel(
  to: string,
  source: SavedModelSource,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { model_name: _, predictor: __, ...others } = source.metadata; // how a .pth spells the model
  const { predictor, dataset, imageSize: image_size } = source;
  const metadata = encodeMetadata({
    ...{ ...others, model: source.model, dataset, image_size },
    ...(predictor && { predictor: basename(PREDICTOR_FILE) }),
  });
  await writeFolderAtomic(to, {
    [GRAPH_FILE]: graphBytes(source, env),
    [STATE_FILE]: serializeSafetensors(source.state, metadata),
    ...(predictor && {
      [PREDICTOR_FILE]: serializeSafetensors(predictor.state, encodeMetadata(predictor.metadata)),
    }),
  });
}

function graphBytes(
  { path, model: modelName, state, predictor, dataset, imageSize }: SavedModelSource,
  env: Readonly<Record<string, string | undefined>>,
): Uint8Array {
  const { height, normalization } = formatFor(modelName, dataset, imageSize);
  const numClasses = classesOf(modelName, state);
  loadTensorFlow({ env, keepPrograms: false });
  const model = buildModel(modelName, numClasses, "zeros", height);
  const through = predictor && openPredictor(model, predictor);
  const all = [...model.state, ...(through?.entries ?? [])];
  try {
    loadState(model.state, state, { path, modelName });
    return savedModelBytes(
      servingGraph({ ...model, ...through?.evaluated, state: all }, height, normalization),
    );
  } finally {
    tf.dispose(variablesOf(all));
  }
}

/** What images are like that a model was trained on. */
function formatFor(
  modelName: string,
  dataset: string | undefined,
  side: number | undefined,
): Pick<ImageFormat, "height" | "normalization"> {
  if (dataset !== undefined) return sizedDataset(dataset, side).format;
  const imageSize = side ?? surveyModel(modelName).imageSize;
  const { format } = CIFAR100; // what models are for whose row says nothing else
  return imageSize === format.height ? format : { height: imageSize, normalization: IMAGENET };
}

/** The number of classes that a file's classifier has; as many as the model is made for where it has none that fits. */
function classesOf(modelName: string, state: StateDict): number {
  const classifier = stateLayout(modelName).findLast(({ role }) => role === "linear.weight");
  const [classes] = (classifier && state.get(classifier.name)?.shape) ?? [];
  return classes ?? surveyModel(modelName).numClasses;
}
