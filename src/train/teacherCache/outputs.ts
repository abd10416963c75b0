import { TEACHER_OUTPUTS } from "../../distill/teacherOutputs.js";
import type { TeacherOutput } from "../../distill/types.js";
import type { Model } from "../../nn/model.js";

/** Which outputs are kept, and the size of each one's vector. */
export type OutputSizes = ReadonlyMap<TeacherOutput, number>;

/** The sizes of some outputs of a model. */
export const sizesOf = (model: Model, names: readonly TeacherOutput[]): OutputSizes =>
  new Map(names.map((name) => [name, TEACHER_OUTPUTS[name].size(model)]));

/** Those outputs of N images: [N * size] each. */
export type Outputs = ReadonlyMap<TeacherOutput, Float32Array>;

/** Room for the outputs of so many images. */
export const emptyOutputs = (sizes: OutputSizes, images: number): Outputs =>
  new Map(Array.from(sizes, ([name, size]) => [name, new Float32Array(images * size)]));

/** One image's part of an output, as a view. */
export const rowOf = (values: Float32Array, size: number, row: number): Float32Array =>
  values.subarray(row * size, (row + 1) * size);
