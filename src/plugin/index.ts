// What a plug-in may use, and all of it: the package's export pefd/plugin. docs/plugins.md tells how.

/** Errors that are told to people as a sentence: what happened, and what to type next. */
export { inputError, runError } from "../common/errors.js";
/** Options of a method's own. */
export {
  choice,
  flag,
  integer,
  integers,
  number,
  type Row,
  type Rows,
  type RowValues,
  string,
} from "../common/optionRow.js";
/** Seeded draws. */
export { createRandom, type Random } from "../common/random.js";
/** Data sets. */
export type {
  Augmentation,
  CenterCrop,
  ResizedCrop,
  Shift,
} from "../data/augmentation.js";
export type {
  Dataset,
  DatasetFiles,
  DatasetLimits,
  DatasetRow,
  ImageFile,
  ImageFormat,
  ImageSet,
  ImagesInFiles,
  ImagesInMemory,
  Soon,
  TestImages,
} from "../data/dataset.js";
/** Methods. */
export {
  type Anatomy,
  type Distillation,
  type Draws,
  defineMethod,
  type Method,
  type Moment,
  type Pair,
  type ParameterGroup,
  type Phase,
} from "../distill/method.js";
export { KL_OPTIONS } from "../distill/options.js";
export { crossEntropy, distillKL } from "../distill/parts/losses.js";
export { convRegressor } from "../distill/parts/maps/convRegressor.js";
export {
  type PairedMaps,
  pairedMaps,
  sumOverMaps,
  toSmaller,
} from "../distill/parts/maps/pairedMaps.js";
export { normalizedRows } from "../distill/parts/vectors/rows.js";
export type { TeacherView } from "../distill/views.js";
export type { LossWeights } from "../distill/weights.js";
/** Models. */
export type { Architecture, ModelRow } from "../models/types.js";
/** Layers with PyTorch's semantics, NHWC, and tensors of one's own. */
export { relu, relu6 } from "../nn/activation.js";
export {
  addBuffer,
  addParameter,
  type Initializer,
  type ModelBuilder,
} from "../nn/builder.js";
export { transposedConvolution } from "../nn/convolution/transposed.js";
export { gatherRows, rowsUpdate } from "../nn/gather/rows.js";
export { detached } from "../nn/gradients/detached.js";
export { meanSquaredError, sumOfSquares } from "../nn/gradients/squares.js";
export {
  constant,
  type Initialization,
  kaimingNormalFanIn,
  kaimingNormalFanOut,
  normal,
  uniformFanIn,
} from "../nn/initialization.js";
export { batchNorm, convolution, linear } from "../nn/layers.js";
export {
  type FeatureMap,
  type ForwardContext,
  insertedAt,
  type ModelOutput,
  plainMap,
} from "../nn/model.js";
export { adaptiveAveragePool, averagePool, globalAveragePool, maxPool } from "../nn/pool.js";
/** TensorFlow.js's functions, once the native library is loaded, and its types. */
export {
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tf,
  type Update,
  type Variable,
} from "../runtime/tf.js";
export {
  datasetInMemory,
  type LabelledImages,
  type MemoryDataset,
} from "./datasetInMemory.js";
export { definePlugin, type Plugin } from "./define.js";
