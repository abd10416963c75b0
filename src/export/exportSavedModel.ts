import { basename } from "node:path";
import { encodeMetadata, type Metadata } from "../checkpoint/metadata.js";
import { serializeSafetensors } from "../checkpoint/safetensors.js";
import { GRAPH_FILE, PREDICTOR_FILE, STATE_FILE } from "../checkpoint/savedModelFolder.js";
import { writeFolderAtomic } from "../common/files/atomicFolder.js";
import type { StateDict } from "../common/stateDict.js";
import { constNode, type Graph, type GraphNode, placeholder } from "../compile/graph/graph.js";
import { savedModelBytes } from "../compile/graph/savedModel.js";
import { withOpaqueConstants } from "../compile/passes/barriers.js";
import { ANY_SIZE, type ForwardGraph, recordForward, repeatForward } from "../compile/record/forwardGraph.js";
import { CIFAR100 } from "../data/cifar/row.js";
import type { ImageFormat } from "../data/dataset.js";
import { IMAGENET, type Normalization } from "../data/normalize.js";
import { sizedDataset } from "../data/registry.js";
import { type EvaluatedStudent, variablesOf } from "../learn/learner.js";
import { buildModel } from "../models/build.js";
import { classesOfState, surveyModel } from "../models/survey.js";
import type { Model } from "../nn/model.js";
import { DT } from "../runtime/native.js";
import { loadTensorFlow, type Tensor4D, tf, type Variable } from "../runtime/tf.js";
import { openPredictor, type PredictorFile } from "../train/files/predictor.js";
import { loadState } from "../train/files/stateFiles.js";

/** Takes float32 images that are normalised already; what programs run when no signature is named. */
export const NORMALIZED_SIGNATURE = "serving_default";
/** Takes images as files hold them: uint8, red, green and blue interleaved. */
export const RAW_SIGNATURE = "serving_uint8";

const NORMALIZED = "normalized";
const RAW = "raw";
const INPUT = "images";

/** What is served: a model, or a student as its method evaluates it, with all tensors that it reads. */
type Served = Pick<Model, "state"> & Pick<EvaluatedStudent, "forward">;

/** Evaluation mode with weights: `images` [N, side, side, 3] to `logits`, `probabilities` and `features`. */
function servingGraph(model: Served, side: number, normalization: Normalization): Graph {
  const shape = [side, side, 3];
  const graph = recordModel(model, shape);
  const raw = normalizingNodes([ANY_SIZE, ...shape], normalization);
  const repeated = repeatForward(graph, NORMALIZED, RAW, raw.output);
  const rawInput = { tensor: `${raw.input}:0`, dtype: DT.uint8, shape: [ANY_SIZE, ...shape] };
  return {
    nodes: [...graph.nodes, ...raw.nodes, ...repeated.nodes],
    functions: [],
    signatures: {
      [NORMALIZED_SIGNATURE]: { inputs: { [INPUT]: graph.input }, outputs: graph.outputs },
      [RAW_SIGNATURE]: { inputs: { [INPUT]: rawInput }, outputs: repeated.outputs },
    },
  };
}

/** Records evaluation mode of a model. @param inputShape [H, W, 3] */
export function recordModel(model: Served, inputShape: readonly number[]): ForwardGraph {
  const weights = new Map<Variable, string>(
    model.state.flatMap(({ name, variable }) =>
      variable === undefined ? [] : [[variable, `weights/${name}`] as const],
    ),
  );
  return recordForward({
    prefix: NORMALIZED,
    inputShape,
    weights,
    outputNames: ["logits", "probabilities", "features"],
    outputs: (images) => {
      const output = model.forward(images as Tensor4D, { training: false, updates: [] });
      return { logits: output.logits, probabilities: tf.softmax(output.logits), features: output.pooled };
    },
  });
}

const floatType = { T: { type: DT.float } };

/** (pixel / 255 - mean) / deviation, rounded after each operation as data/normalize.ts does. */
function normalizingNodes(
  shape: readonly number[],
  normalization: Normalization,
): { nodes: GraphNode[]; input: string; output: string } {
  const input = `${RAW}/${INPUT}`;
  const [scale, mean, deviation] = [
    floats(`${RAW}/full_scale`, [255]),
    floats(`${RAW}/mean`, normalization.mean),
    floats(`${RAW}/deviation`, normalization.deviation),
  ] as const;
  const pixels: GraphNode = {
    name: `${RAW}/pixels`,
    op: "Cast",
    inputs: [input],
    attributes: { SrcT: { type: DT.uint8 }, DstT: { type: DT.float }, Truncate: { bool: false } },
  };
  const operation = (name: string, op: string, inputs: readonly string[]): GraphNode => ({
    name: `${RAW}/${name}`,
    op,
    inputs,
    attributes: floatType,
  });
  const scaled = operation("scaled", "RealDiv", [pixels.name, scale.name]);
  const centered = operation("centered", "Sub", [scaled.name, mean.name]);
  const normalized = operation("normalized", "RealDiv", [centered.name, deviation.name]);
  return {
    nodes: [
      placeholder(input, DT.uint8, shape),
      ...withOpaqueConstants([scale, mean, deviation]),
      pixels,
      scaled,
      centered,
      normalized,
    ],
    input,
    output: normalized.name,
  };
}

const floats = (name: string, values: readonly number[]): GraphNode =>
  constNode(name, { dtype: DT.float, shape: [values.length], bytes: new Uint8Array(Float32Array.from(values).buffer) });

export interface SavedModelSource {
  /** The file that it was read from, for messages. */
  readonly path: string;
  readonly model: string;
  readonly state: StateDict;
  readonly metadata: Metadata;
  /** What its run's evaluations went through, where it was more than the model. */
  readonly predictor?: PredictorFile | undefined;
  /** Data set that it was trained on; by default the one that the model is made for. */
  readonly dataset?: string | undefined;
  /** Side of its images, where that is not the data set's own. */
  readonly imageSize?: number | undefined;
}

/**
 * Writes a TensorFlow SavedModel, replacing the folder: the graph with its weights, and the state as it was read, its
 * predictor's too, so that converting back gives the same bits.
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
    ...others,
    model: source.model,
    dataset,
    image_size,
    ...(predictor && { predictor: basename(PREDICTOR_FILE) }),
  });
  await writeFolderAtomic(to, {
    [GRAPH_FILE]: graphBytes(source, env),
    [STATE_FILE]: serializeSafetensors(source.state, metadata),
    ...(predictor && { [PREDICTOR_FILE]: serializeSafetensors(predictor.state, encodeMetadata(predictor.metadata)) }),
  });
}

/** A saved_model.pb with the weights inside. @throws inputError as exportSavedModel does */
export const graphBytes = (source: SavedModelSource, env: Readonly<Record<string, string | undefined>>): Uint8Array =>
  withServed(source, env, (model, { height, normalization }) =>
    savedModelBytes(servingGraph(model, height, normalization)),
  );

export type ModelFacts = ReturnType<typeof modelFacts>;

/** What a program needs to know of a model, for the metadata of its file. @param classes names by label */
export const modelFacts = (
  { model, dataset = "" }: SavedModelSource,
  { height, normalization: { mean, deviation } }: ServedFormat,
  classes: readonly string[],
  version: string,
) => ({ pefd_version: version, model, dataset, image_size: height, classes, mean, deviation });

export type ServedFormat = Pick<ImageFormat, "height" | "normalization">;

/** Opens a model with the weights of a file, as it is served. @throws inputError for tensors that do not fit it */
export function withServed<Result>(
  { path, model: modelName, state, predictor, dataset, imageSize }: SavedModelSource,
  env: Readonly<Record<string, string | undefined>>,
  use: (model: Served, format: ServedFormat) => Result,
): Result {
  const format = formatFor(modelName, dataset, imageSize);
  const numClasses = classesOfState(modelName, state);
  loadTensorFlow({ env, keepPrograms: false });
  const model = buildModel(modelName, numClasses, "zeros", format.height);
  const through = predictor && openPredictor(model, predictor);
  const all = [...model.state, ...(through?.entries ?? [])];
  try {
    loadState(model.state, state, { path, modelName });
    return use({ ...model, ...through?.evaluated, state: all }, format);
  } finally {
    tf.dispose(variablesOf(all));
  }
}

function formatFor(modelName: string, dataset: string | undefined, side: number | undefined): ServedFormat {
  if (dataset !== undefined) return sizedDataset(dataset, side).format;
  const imageSize = side ?? surveyModel(modelName).imageSize;
  const { format } = CIFAR100; // what models are for whose row says nothing else
  return imageSize === format.height ? format : { height: imageSize, normalization: IMAGENET };
}
