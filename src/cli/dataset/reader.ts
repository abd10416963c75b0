import type { ImageReader } from "../../data/images/reader.js";
import type { Invocation } from "../command.js";

/** What opens a reader of images, once: TensorFlow is loaded when it is asked for. */
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
