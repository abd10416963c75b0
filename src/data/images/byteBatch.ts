import { DT, intAttribute, nativeBackend, typeAttribute } from "../../runtime/native.js";
import { ownOpsServe } from "../../runtime/ownOps.js";
import { gatherRows } from "../../runtime/rows.js";
import { type Tensor, type Tensor4D, tf } from "../../runtime/tf.js";
import type { ImageFormat, ImageShape } from "../dataset.js";
import { valuesOf } from "../hostBatch.js";
import { knownTable } from "../normalize.js";

// Images of files are fed as bytes, four per int32 as TensorFlow.js has no bytes: a quarter of the normalized memory.

/** int32 values per image. */
export const wordsOf = (shape: ImageShape): number => Math.ceil(valuesOf(shape) / 4);

/** The bytes of one image of those, `which` from 0: the same memory. @returns [height * width * 3] */
export const imageBytes = (words: Int32Array, shape: ImageShape, which = 0): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset + 4 * which * wordsOf(shape), valuesOf(shape));

const LEVELS = 256;

/** The table as [3 * 256]: all levels of one channel after the other. */
const byChannels = (table: Float32Array): Float32Array =>
  table.map((_, i) => table[(i % LEVELS) * 3 + Math.floor(i / LEVELS)] as number);

/** By TensorFlow's ops: each value looked up on its own. @returns [N, height, width, 3] */
function looked(words: Tensor, { height, width, channels, normalization }: ImageFormat): Tensor {
  const backend = nativeBackend();
  const types = [typeAttribute("T", DT.int32), typeAttribute("type", DT.uint8)];
  const split = backend.executeSingleOutput("Bitcast", types, [words]); // [N, words, 4]
  const cast = [typeAttribute("SrcT", DT.uint8), typeAttribute("DstT", DT.int32)];
  const bytes = backend.executeSingleOutput("Cast", cast, [split]);
  const count = words.shape[0] as number;
  const rows = tf.reshape(bytes, [count, 4 * (words.shape[1] as number)]);
  const own = tf.slice(rows, [0, 0], [count, height * width * channels]);
  const levels = tf.reshape(own, [count, height, width, channels]);
  const starts = tf.tensor1d([0, LEVELS, 2 * LEVELS], "int32");
  return gatherRows(tf.tensor1d(byChannels(knownTable(normalization))), tf.add(levels, starts));
}

/** By our own op, in one pass. @returns [N, height * width * 3] */
const normalized = (words: Tensor, format: ImageFormat): Tensor =>
  nativeBackend().executeSingleOutput(
    "PefdNormalize",
    [intAttribute("size", valuesOf(format))],
    [words, tf.tensor2d(knownTable(format.normalization), [LEVELS, 3])],
  );

/** Normalizes bytes [N, wordsOf] int32 in the step to [N, height, width, 3]. @param compiled whether by XLA */
export function normalizedBatch(words: Tensor, format: ImageFormat, compiled: boolean): Tensor4D {
  const { height, width, channels } = format;
  const values = ownOpsServe() && !compiled ? normalized(words, format) : looked(words, format);
  return tf.reshape(values, [words.shape[0] as number, height, width, channels]);
}
