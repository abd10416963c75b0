import type { ModelBuilder } from "../nn/builder.js";
import type { Initialization } from "../nn/initialization.js";
import type { ForwardContext, ModelOutput } from "../nn/model.js";
import type { Tensor4D } from "../runtime/tf.js";

/** Side of the images that models are made for, unless their rows say otherwise. */
export const IMAGE_SIZE = 32;

/** Makes a model's layers in PyTorch's registration order. */
export type Architecture = (
  builder: ModelBuilder,
  numClasses: number,
  /** Height and width of the images; what tensors depend on it are those of position embeddings. */
  imageSize: number,
) => {
  /** Size of the penultimate vector. */
  readonly featureSize: number;
  /** Of each map, the batch normalisation before its last ReLU; omitted where the family has none. */
  readonly norms?: readonly string[];
  forward(images: Tensor4D, context: ForwardContext): ModelOutput;
};

export interface ModelRow {
  /** The paper's spelling. */
  readonly name: string;
  readonly family: string;
  /** Where the architecture comes from. */
  readonly paper: string;
  readonly architecture: Architecture;
  readonly initialization: Initialization;
  /** Side of the images that it is made for; 32 unless given. */
  readonly imageSize?: number;
  /** Sides that it can look at, from the smallest to the largest: 32 to 96 unless given. */
  readonly imageSizes?: readonly [least: number, most: number];
  /** Side of its patches, which that of the images is a multiple of; one token or more is left out of its maps. */
  readonly patch?: number;
  /** Classes that it is made for; 100 (CIFAR-100) unless given. */
  readonly numClasses?: number;
  /** Modules between the last stage and the classifier, by their names in the state; none by default. */
  readonly behindMaps?: readonly string[];
  /** Its name in torchvision, where its state_dict is torchvision's: files have that name and eight digits. */
  readonly torchvision?: string;
  /** Initial learning rate where the paper's code departs from 0.05. */
  readonly learningRate?: number;
}
