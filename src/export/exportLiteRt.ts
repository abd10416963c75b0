import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GRAPH_FILE } from "../checkpoint/savedModelFolder.js";
import { withTemporaryFolder } from "../common/files/atomicFolder.js";
import { writeOutputFile } from "../common/files/outputFile.js";
import { runPython } from "../runtime/python.js";
import { graphBytes, NORMALIZED_SIGNATURE, RAW_SIGNATURE, type SavedModelSource } from "./exportSavedModel.js";

const CONVERT = `
import sys, tensorflow
folder, signature, out = sys.argv[1:]
converter = tensorflow.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[signature])
open(out, "wb").write(converter.convert())
`;

/**
 * Writes a LiteRT file (.tflite) by TensorFlow's own converter in Python: normalised float32 images [N, H, W, 3], or
 * uint8 pixels with preprocessing, to logits, probabilities and features.
 * @throws environmentError where Python has no TensorFlow; inputError for tensors that do not fit the model
 */
export async function exportLiteRt(
  to: string,
  source: SavedModelSource,
  withPreprocessing: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const bytes = withTemporaryFolder("litert", (folder) => {
    writeFileSync(join(folder, GRAPH_FILE), graphBytes(source, env));
    const out = join(folder, "model.tflite");
    const signature = withPreprocessing ? RAW_SIGNATURE : NORMALIZED_SIGNATURE;
    runPython("LiteRT", CONVERT, [folder, signature, out], env);
    return readFileSync(out);
  });
  await writeOutputFile(to, bytes);
}
