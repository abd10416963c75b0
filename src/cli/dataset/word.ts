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

/** The data set, as a word or as --dataset. */
export const DATASET_WORD: Positionals = { usage: "[NAME]", min: 0, max: 1, completes: "datasets" };

/** The layers with the word after the command as the data set; throws inputError where a flag says another. */
export function withDatasetWord({ layers, positionals, flags }: Invocation): readonly Layer[] {
  const [name] = positionals;
  if (name === undefined) return layers;
  if (flags.dataset !== undefined && flags.dataset !== name) {
    throw inputError(`Both ${name} and --dataset ${flags.dataset} are given.`, "Give one of them.");
  }
  const word = { label: () => "NAME", origin: () => "word", values: { dataset: name } };
  return [word, ...layers];
}

/** The data set's folder, as a word or as --data. */
export const FOLDER_WORD: Positionals = { usage: "[DIR]", min: 0, max: 1 };

/** The layers with the word after the command as the data folder; throws inputError where a flag says another. */
export function withFolderWord({ layers, positionals, flags }: Invocation): readonly Layer[] {
  const [folder] = positionals;
  if (folder === undefined) return layers;
  if (flags.data !== undefined && flags.data !== folder) {
    throw inputError(`Both the folder ${folder} and --data ${flags.data} are given.`, "Give one of them.");
  }
  const word = { label: () => "DIR", origin: () => "word", values: { data: folder } };
  return [word, ...layers];
}
