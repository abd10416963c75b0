import type { ModelOutput } from "../nn/model.js";
import type { Scalar, Tensor, Tensor1D, Tensor4D } from "../runtime/tf.js";

/** What a step is given. */
export interface Batch {
  /** [N, height, width, 3], normalised */
  readonly images: Tensor4D;
  /** [N], int32 */
  readonly labels: Tensor1D;
  /** [N], int32: which image of the set each one is. */
  readonly image?: Tensor1D;
  /** float32, from 1; in training. */
  readonly epoch?: Scalar;
  /** The strong view of the same images, where the method asks for it. */
  readonly strong?: Tensor4D;
  /** What a method has drawn for the step. */
  readonly drawn?: Readonly<Record<string, Tensor>>;
  /** The part of the teacher's output for these images that is known already: from the teacher's cache, or computed ahead. */
  readonly guide?: Partial<ModelOutput>;
}
