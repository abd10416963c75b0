import { KEPT_VIEWS, type KeptView } from "../../distill/views.js";
import type { Model } from "../../nn/model.js";

/** Which outputs are kept, and the size of each one's vector. */
export type OutputSizes = ReadonlyMap<KeptView, number>;

/** The sizes of some outputs of a model. */
export const sizesOf = (model: Model, names: readonly KeptView[]): OutputSizes =>
  new Map(names.map((name) => [name, KEPT_VIEWS[name].size(model)]));

/** Those outputs of N images: [N * size] each. */
export type Outputs = ReadonlyMap<KeptView, Float32Array>;

/** Room for the outputs of so many images. */
export const emptyOutputs = (sizes: OutputSizes, images: number): Outputs =>
  new Map(Array.from(sizes, ([name, size]) => [name, new Float32Array(images * size)]));

/** One image's part of an output, as a view. */
export const rowOf = (values: Float32Array, size: number, row: number): Float32Array =>
  values.subarray(row * size, (row + 1) * size);
