import type { ForwardGraph } from "../compile/record/forwardGraph.js";
import type { ImageSet } from "../data/dataset.js";
import { activationRanges } from "./calibrate.js";
import { modelFacts, recordModel, type SavedModelSource, withServed } from "./exportSavedModel.js";
import { foldedNorms } from "./onnxFold.js";
import { onnxGraph } from "./onnxGraph.js";
import { type OnnxGraph, onnxBytes } from "./onnxModel.js";
import { quantizedActivations, quantizedGraph } from "./quantize.js";

export interface OnnxSettings {
  /** Names by label. */
  readonly classes: readonly string[];
  /** Whether the graph takes uint8 pixels and gives probabilities first. */
  readonly withPreprocessing: boolean;
  /** Images, as evaluation shows them, whose activations determine the ranges of int8; float32 where omitted. */
  readonly calibration?: ImageSet | undefined;
  /** pefd's. */
  readonly version: string;
}

function int8Graph(float: OnnxGraph, forward: ForwardGraph, calibration: ImageSet): OnnxGraph {
  const folded = foldedNorms(float);
  return quantizedGraph(folded, activationRanges(forward, quantizedActivations(folded), calibration));
}

/**
 * An ONNX file (opset 18): evaluation mode with weights and a dynamic batch. Without preprocessing it takes
 * normalised float32 images [N, 3, H, W] and gives logits, probabilities and features; with it uint8 pixels
 * [N, H, W, 3], and probabilities come first.
 * @throws inputError for tensors that do not fit the model, or an op without a mapping, which it names
 */
export const onnxFile = (
  source: SavedModelSource,
  { classes, withPreprocessing, calibration, version }: OnnxSettings,
  env: Readonly<Record<string, string | undefined>>,
): Uint8Array =>
  withServed(source, env, (model, format) => {
    const { height, normalization } = format;
    const shape = [height, height, 3];
    const preprocessing = withPreprocessing ? normalization : undefined;
    const first = withPreprocessing ? ["probabilities", "logits"] : ["logits", "probabilities"];
    const forward = recordModel(model, shape);
    const float = onnxGraph(forward, { shape, preprocessing }, [...first, "features"]);
    const graph = calibration === undefined ? float : int8Graph(float, forward, calibration);
    const facts = Object.entries(modelFacts(source, format, classes, version));
    return onnxBytes(graph, version, {
      ...Object.fromEntries(
        facts.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
      ),
      preprocessing: withPreprocessing ? "inside" : "outside",
      ...(calibration && { calibration_images: `${calibration.count}` }),
    });
  });
