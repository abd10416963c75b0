import { inputError } from "../common/errors.js";
import type { Shift } from "../data/augmentation.js";
import { sha256 } from "../data/checksums.js";
import type {
  Dataset,
  DatasetLimits,
  DatasetRow,
  ImageFile,
  ImageFormat,
  ImagesInMemory,
  Soon,
} from "../data/dataset.js";
import { checkLimit, chosenImages } from "../data/limits.js";
import { refuseSkipList } from "../data/skipList.js";
import type { FeatureShapes, StepContext } from "../distill/method.js";

export interface LabelledImages {
  /** [count, height, width, 3], a byte per value, RGB interleaved */
  readonly images: Uint8Array;
  /** [count], classes from 0 */
  readonly labels: Uint8Array;
}

export interface MemoryDataset {
  /** For `--dataset`. */
  readonly name: string;
  readonly title: string;
  readonly classNames: readonly string[];
  readonly format: ImageFormat & { readonly augmentation: Shift };
  /** Other defaults of options; flags override them. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** Images of both splits. @param folder as --data */
  read(folder: string): Soon<{ readonly train: LabelledImages; readonly test: LabelledImages }>;
}

type Part = "train" | "test";

/** @throws inputError where images and labels do not match */
function checked(dataset: MemoryDataset, part: Part, { images, labels }: LabelledImages): void {
  const { name, format, classNames } = dataset;
  const bytes = format.height * format.width * format.channels;
  const refuse = (what: string) => inputError(`The ${part} images of ${name}: ${what}.`);
  if (labels.length === 0) throw refuse("there are none");
  if (images.length !== labels.length * bytes) {
    throw refuse(
      `${labels.length} labels want ${labels.length * bytes} bytes (${format.height}x${format.width}x3 each), and there are ${images.length}`,
    );
  }
  const label = labels.find((one) => one >= classNames.length);
  if (label !== undefined) {
    throw refuse(`a label is ${label}, and there are ${classNames.length} classes, from 0`);
  }
}

/** A whole split, for a run's identity. */
const fileOf = ({ images, labels }: LabelledImages): ImageFile => ({
  images: labels.length,
  sha256: sha256(Buffer.concat([images, labels])),
});

/** Images of a split balanced over classes; all without a limit. */
function limited(
  { format }: MemoryDataset,
  part: Part,
  { images, labels }: LabelledImages,
  limit: number | undefined,
): ImagesInMemory {
  const chosen = chosenImages(labels, part, limit);
  const whole = { kind: "memory" as const, ...format };
  if (chosen === undefined) return { ...whole, images, labels, count: labels.length };
  const bytes = images.length / labels.length;
  const taken = new Uint8Array(chosen.length * bytes);
  for (const [i, from] of chosen.entries()) taken.set(images.subarray(from * bytes, (from + 1) * bytes), i * bytes);
  const own = Uint8Array.from(chosen, (i) => labels[i] as number);
  return { ...whole, images: taken, labels: own, count: chosen.length, positions: chosen };
}

/**
 * The row of a data set in memory.
 * @throws inputError, when opened, for mismatched images and labels or invalid limits
 */
export function datasetInMemory(dataset: MemoryDataset): DatasetRow {
  const { name, title, classNames, format, defaults = {} } = dataset;
  const numClasses = classNames.length;
  async function open(folder: string, limits: DatasetLimits = {}): Promise<Dataset> {
    const { limitTrain, limitTest, skip } = limits;
    checkLimit(limitTrain, "train");
    checkLimit(limitTest, "test");
    refuseSkipList(name, skip);
    const { train, test } = await dataset.read(folder);
    checked(dataset, "train", train);
    checked(dataset, "test", test);
    return {
      name,
      numClasses,
      trainFile: fileOf(train),
      testFile: fileOf(test),
      train: limited(dataset, "train", train, limitTrain),
      test: limited(dataset, "test", test, limitTest),
    };
  }
  return {
    name,
    title,
    classes: numClasses,
    format,
    evaluation: "as is",
    defaults,
    open,
    openTest: (folder, limitTest, skip) => open(folder, { limitTest, skip }),
    files: (folder) => open(folder),
    classNames: () => classNames,
  };
}

// The public API of plug-ins: the package's export pefd/plugin (docs/plugins.md).

/** @deprecated the former name of StepContext */
export type Moment = StepContext;
/** @deprecated the former name of FeatureShapes */
export type Anatomy = FeatureShapes;

/** Errors for users: what happened, and what to type next. */
export { inputError, runError } from "../common/errors.js";
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
/** Seeded. */
export { createRandom, type Random } from "../common/random.js";
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
export {
  type Distillation,
  type Draws,
  defineMethod,
  type FeatureShapes,
  type Method,
  type Pair,
  type ParameterGroup,
  type Phase,
  type StepContext,
} from "../distill/method.js";
export { KL_OPTIONS } from "../distill/options.js";
export { crossEntropy, distillKL, normalizedRows } from "../distill/parts/losses.js";
export {
  convRegressor,
  type PairedMaps,
  pairedMaps,
  sumOverMaps,
  toSmaller,
} from "../distill/parts/maps.js";
export type { TeacherView } from "../distill/views.js";
export type { LossWeights } from "../distill/weights.js";
export type { Architecture, ModelRow } from "../models/types.js";
/** NHWC layers with PyTorch's semantics, and custom tensors. */
export { relu, relu6 } from "../nn/activation.js";
export {
  addBuffer,
  addParameter,
  type Initializer,
  type ModelBuilder,
} from "../nn/builder.js";
export { transposedConvolution } from "../nn/convolution/transposed.js";
export { gatherRows, rowsUpdate } from "../nn/gather.js";
export { detached, meanSquaredError, sumOfSquares } from "../nn/gradients.js";
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

export { definePlugin, type Plugin } from "./define.js";
