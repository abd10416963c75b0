import { writeOutputFile } from "../common/files/outputFile.js";
import { recordModel, type SavedModelSource, withServed } from "./exportSavedModel.js";
import { onnxGraph } from "./onnxGraph.js";
import { onnxBytes } from "./onnxModel.js";

export interface OnnxSettings {
  /** Names by label. */
  readonly classes: readonly string[];
  /** Whether the graph takes uint8 pixels and gives probabilities first. */
  readonly withPreprocessing: boolean;
  /** pefd's. */
  readonly version: string;
}

/**
 * Writes an ONNX file (opset 18): evaluation mode with weights and a dynamic batch. Without preprocessing it takes
 * normalised float32 images [N, 3, H, W] and gives logits, probabilities and features; with it uint8 pixels
 * [N, H, W, 3], and probabilities come first.
 * @throws inputError for tensors that do not fit the model, or an op without a mapping, which it names
 */
export async function exportOnnx(
  to: string,
  source: SavedModelSource,
  { classes, withPreprocessing, version }: OnnxSettings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const bytes = withServed(source, env, (model, { height, normalization }) => {
    const shape = [height, height, 3];
    const preprocessing = withPreprocessing ? normalization : undefined;
    const first = withPreprocessing ? ["probabilities", "logits"] : ["logits", "probabilities"];
    const graph = onnxGraph(recordModel(model, shape), { shape, preprocessing }, [...first, "features"]);
    return onnxBytes(graph, version, {
      pefd_version: version,
      model: source.model,
      dataset: source.dataset ?? "",
      image_size: `${height}`,
      classes: JSON.stringify(classes),
      mean: JSON.stringify(normalization.mean),
      deviation: JSON.stringify(normalization.deviation),
      preprocessing: withPreprocessing ? "inside" : "outside",
    });
  });
  await writeOutputFile(to, bytes);
}
