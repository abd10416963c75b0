import { sizeOf } from "../common/shapes.js";
import type { StateDict } from "../common/stateDict.js";
import { isCounter, isParameter } from "../nn/builder.js";
import type { StateEntry } from "../nn/model.js";
import { type ShapeTrace, traceShapes } from "../nn/shapeTrace.js";
import { modelRow, sideOf } from "./registry.js";

export interface ModelSurvey {
  readonly name: string;
  readonly family: string;
  /** Trainable elements. */
  readonly parameters: number;
  /** Multiplications with an addition in convolutions and linear layers, for one image. */
  readonly multiplyAdds: number;
  /** Of its tensors as files hold them, in float32 and in int8 (ONNX), without the graph. */
  readonly bytes: { readonly float32: number; readonly int8: number };
  /** The feature list for one image: [H, W, C], and [C] for the last. */
  readonly features: readonly (readonly number[])[];
  readonly featureSize: number;
  /** Side of the images and number of classes that this is for. */
  readonly imageSize: number;
  readonly numClasses: number;
  readonly paper: string;
}

const CLASSES = 100;

/** Per output channel, int8 weights have a bias with its scale, and a scale. */
const CHANNEL_BYTES = 12;

/** Batch normalisation is folded into int8 weights; the first layer's stay in float32 (export/quantize.ts). */
function bytesOf(state: readonly StateEntry[]): ModelSurvey["bytes"] {
  const weights = state.filter(({ role }) => role === "conv.weight" || role === "linear.weight");
  const sizes = weights.map(({ shape }, i) => (i === 0 ? 4 : 1) * sizeOf(shape) + CHANNEL_BYTES * (shape[0] as number));
  const values = state.filter(({ role }) => !isCounter(role)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { float32: 4 * values, int8: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Parameters, work and feature sizes of a model, without the native library. @throws inputError for an unknown name */
export function surveyModel(modelName: string): ModelSurvey {
  const row = modelRow(modelName);
  const { name, family, paper, numClasses = CLASSES } = row;
  const imageSize = sideOf(row);
  const trace = traceShapes((builder) => row.architecture(builder, numClasses, imageSize), imageSize);
  const parameters = trace.state
    .filter(({ role }) => isParameter(role))
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const { multiplyAdds, features } = trace;
  const featureSize = sizeOf(features.at(-1) ?? []);
  const bytes = bytesOf(trace.state);
  return { name, family, parameters, multiplyAdds, bytes, features, featureSize, imageSize, numClasses, paper };
}

type MapTrace = Pick<ShapeTrace, "stem" | "maps" | "lastMap" | "norms">;

/**
 * [H, W, C] of the maps of stem and stages (ModelOutput.maps) and where layers can be inserted; the batch
 * normalisations before the maps' last ReLUs. Needs no native library.
 * @throws inputError for an unknown name
 */
export function mapShapes(modelName: string, side?: number): MapTrace {
  const row = modelRow(modelName);
  const size = sideOf(row, side);
  const trace = traceShapes((builder) => row.architecture(builder, CLASSES, size), size);
  const { stem, maps, lastMap, norms } = trace;
  return { stem, maps, lastMap, norms };
}

/** A model's tensors in PyTorch's order, without the native library. @throws inputError for an unknown name */
export function stateLayout(
  modelName: string,
  numClasses: number = CLASSES,
  side?: number,
): readonly Pick<StateEntry, "name" | "shape" | "role">[] {
  const row = modelRow(modelName);
  const size = sideOf(row, side);
  return traceShapes((builder) => row.architecture(builder, numClasses, size), size).state;
}

/** Number of classes of a file's classifier; what the model is made for where none fits. @throws inputError for an unknown name */
export function classesOfState(modelName: string, state: StateDict): number {
  const classifier = stateLayout(modelName).findLast(({ role }) => role === "linear.weight");
  const [classes] = (classifier && state.get(classifier.name)?.shape) ?? [];
  return classes ?? surveyModel(modelName).numClasses;
}

/** Tensors of a model's last layer. */
const CLASSIFIER_TENSORS = 2;

/** Those of a model's tensors that its stem and its stages have. @param state all, in PyTorch's order */
export function featureState<Entry extends Pick<StateEntry, "name">>(
  modelName: string,
  state: readonly Entry[],
): readonly Entry[] {
  const { behindMaps = [] } = modelRow(modelName);
  return state
    .slice(0, -CLASSIFIER_TENSORS)
    .filter(({ name }) => !behindMaps.some((module) => name.startsWith(`${module}.`)));
}
