import { gatherRows } from "../runtime/rows.js";
import { type Tensor, type Tensor1D, type Tensor4D, tf, type Variable } from "../runtime/tf.js";
import { shiftOf } from "./augmentation.js";
import type { ImagesInMemory } from "./dataset.js";
import { knownTable } from "./normalize.js";
import { PLAN_COLUMNS } from "./sampler.js";

/** A whole image set as variables; a step needs only image indices, crops and flips. */
export interface ResidentImages {
  /** [N * height * width, 3] normalized pixels */
  readonly pixels: Variable;
  /** [N] */
  readonly labels: Variable;
}

/** Bytes that a set takes as resident images. */
export const residentBytes = ({ images, count }: ImagesInMemory): number => 4 * (images.length + count);

/** Normalizes a whole set into variables. Bit-identical to hostBatch.ts. */
export function residentImages(set: ImagesInMemory): ResidentImages {
  const { images, labels, count, channels } = set;
  const table = knownTable(set.normalization);
  const values = new Float32Array(images.length);
  for (let i = 0; i < images.length; i++) {
    values[i] = table[(images[i] as number) * channels + (i % channels)] as number;
  }
  return {
    pixels: constantVariable(values, [images.length / channels, channels]),
    labels: constantVariable(Float32Array.from(labels), [count]),
  };
}

function constantVariable(values: Float32Array, shape: number[]): Variable {
  const initial = tf.tensor(values, shape, "float32");
  const variable = tf.variable(initial, false);
  initial.dispose();
  return variable;
}

const int = (value: number): Tensor => tf.scalar(value, "int32");

function clamp(coordinate: Tensor, size: number): { inside: Tensor; clamped: Tensor } {
  const inside = tf.logicalAnd(tf.greaterEqual(coordinate, int(0)), tf.less(coordinate, int(size)));
  return { inside, clamped: tf.minimum(tf.maximum(coordinate, int(0)), int(size - 1)) };
}

/** Crops and flips resident images in the step by sampler rows [N, 4]. @returns images [N, H, W, 3], labels [N] */
export function residentBatch(
  { pixels, labels }: ResidentImages,
  rows: Tensor,
  { height, width, channels, augmentation, normalization }: Omit<ImagesInMemory, "images" | "labels">,
): { images: Tensor4D; labels: Tensor1D } {
  const { padding } = shiftOf(augmentation);
  const count = rows.shape[0] as number;
  const column = (index: number): Tensor => tf.slice(rows, [0, index], [count, 1]); // [N, 1]
  const [image, cropY, cropX, flip] = Array.from({ length: PLAN_COLUMNS }, (_, i) => column(i)) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const across = tf.range(0, width, 1, "int32");
  const down = tf.range(0, height, 1, "int32");
  const mirrored = tf.sub(int(width - 1), across);
  const x = tf.add(tf.mul(flip, mirrored), tf.mul(tf.sub(int(1), flip), across)); // [N, W]
  const columns = clamp(tf.sub(tf.add(x, cropX), int(padding)), width);
  const lines = clamp(tf.sub(tf.add(down, cropY), int(padding)), height); // [N, H]
  const first = tf.mul(image, int(height * width)); // [N, 1]
  const lineStart = tf.add(first, tf.mul(lines.clamped, int(width))); // [N, H]
  const index = tf.add(tf.reshape(lineStart, [count, height, 1]), tf.reshape(columns.clamped, [count, 1, width]));
  const found = tf.reshape(gatherRows(pixels, tf.reshape(index, [-1])), [count, height, width, channels]);
  const inside = tf.logicalAnd(
    tf.reshape(lines.inside, [count, height, 1]),
    tf.reshape(columns.inside, [count, 1, width]),
  );
  const mask = tf.cast(tf.reshape(inside, [count, height, width, 1]), "float32");
  // Padding is black before normalization: the table's values for 0.
  const black = tf.tensor1d(knownTable(normalization).slice(0, channels));
  const images = tf.add(tf.mul(found, mask), tf.mul(tf.sub(1, mask), black)) as Tensor4D;
  const own = tf.cast(gatherRows(labels, tf.reshape(image, [-1])), "int32") as Tensor1D;
  return { images, labels: own };
}
