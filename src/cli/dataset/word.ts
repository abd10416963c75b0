import { inputError } from "../../common/errors.js";
import type { Layer } from "../../config/resolve.js";
import type { ImageReader } from "../../data/images/reader.js";
import type { Invocation, Positionals } from "../command.js";

/** Opens a reader of images, once: it loads TensorFlow. */
export async function imageReaderOf(env: Invocation["env"]): Promise<() => ImageReader> {
  const { openImageReader } = await import("../../data/images/reader.js");
  const { nativeBackend } = await import("../../runtime/native.js");
  const { loadTensorFlow } = await import("../../runtime/tf.js");
  let reader: ImageReader | undefined;
  return () => {
    if (reader === undefined) {
      loadTensorFlow({ env, keepPrograms: false });
      reader = openImageReader(nativeBackend().binding);
    }
    return reader;
  };
}

/** The layers with the word after the command as an option; throws inputError where a flag says another. */
const withWord =
  (option: "dataset" | "data", label: string, what = "") =>
  ({ layers, positionals: [word], flags }: Invocation): readonly Layer[] => {
    const typed = flags[option];
    if (word === undefined) return layers;
    if (typed !== undefined && typed !== word) {
      throw inputError(`Both ${what}${word} and --${option} ${typed} are given.`, "Give one of them.");
    }
    return [{ label: () => label, origin: () => "word", values: { [option]: word } }, ...layers];
  };

/** The data set, as a word or as --dataset. */
export const DATASET_WORD: Positionals = { usage: "[NAME]", min: 0, max: 1, completes: "datasets" };
export const withDatasetWord = withWord("dataset", "NAME");

/** The data set's folder, as a word or as --data. */
export const FOLDER_WORD: Positionals = { usage: "[DIR]", min: 0, max: 1 };
export const withFolderWord = withWord("data", "DIR", "the folder ");
