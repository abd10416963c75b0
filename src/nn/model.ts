import type { Tensor, Tensor2D, Tensor4D, Update, Variable } from "../runtime/tf.js";

/** Role of a tensor. A parameter (a temperature) is outside of layers; a buffer (a memory bank) has no gradient. */
export type Role =
  | "ln.weight"
  | "ln.bias"
  | "cls_token"
  | "dist_token"
  | "pos_embed"
  | "conv.weight"
  | "conv.bias"
  | "linear.weight"
  | "linear.bias"
  | "bn.weight"
  | "bn.bias"
  | "bn.running_mean"
  | "bn.running_var"
  | "bn.num_batches_tracked"
  | "parameter"
  | "buffer";

/** One entry of a state_dict. Counters (num_batches_tracked) live on the host and have no variable. */
export interface StateEntry {
  /** PyTorch's state_dict name. */
  readonly name: string;
  readonly role: Role;
  /** PyTorch's shape: OIHW for convolutions, [out, in] for linear layers. */
  readonly shape: readonly number[];
  /** The tensor in our layout: HWIO (HWC1 for depthwise) for convolutions, otherwise as PyTorch's. */
  readonly variable: Variable | undefined;
}

/** Mode and collected updates of a forward pass. */
export interface ForwardContext {
  /** Batch statistics (true) or running statistics (false). */
  readonly training: boolean;
  /** Collects new running statistics in training. */
  readonly updates: Update[];
  /** Running means of batch normalisations that stay in evaluation mode. */
  readonly inEvaluation?: ReadonlySet<Variable>;
  /** Layers after the last stage; see insertedAt. */
  readonly insertion?: Insertion;
}

/** Layers that a distillation method inserts after a student's last stage, of map [N, H, W, C]. */
export type Insertion = (map: Tensor4D, context: ForwardContext) => Inserted;

export interface Inserted {
  /** [N, H, W, C], which replaces the map. */
  readonly out: Tensor4D;
  /** For the method. */
  readonly inserted: Tensor4D;
}

/** The output of a model's last stage, through inserted layers: every family calls this once. */
export function insertedAt(
  map: Tensor4D,
  context: ForwardContext,
): Pick<Inserted, "out"> & Partial<Inserted> & { readonly averaged: Tensor4D } {
  const made = context.insertion?.(map, context) ?? { out: map };
  return { ...made, averaged: made.out };
}

/** A map of features, [N, H, W, C]. */
export interface FeatureMap {
  /** The input of the next layers. */
  readonly out: Tensor4D;
  /** The same before its last ReLU, as in the paper's code; `out` where there is none. */
  readonly beforeRelu: Tensor4D;
}

export interface ModelOutput {
  /** Output of the first convolution; undefined where only the last map is of use. */
  readonly stem: FeatureMap | undefined;
  /** Outputs of the stages. */
  readonly maps: readonly FeatureMap[];
  /** The penultimate vector, [N, C]. */
  readonly pooled: Tensor2D;
  /** [N, classes] */
  readonly logits: Tensor2D;
  /** Of a model with a distillation token, whose logits are their mean: what labels teach, and what a teacher does. */
  readonly heads?: { readonly labels: Tensor2D; readonly teacher: Tensor2D };
  /** The map whose mean is `pooled`: of WideResNets, MobileNetV2 and ShuffleNetV2 not the last of `maps`. */
  readonly averaged?: Tensor4D;
  /** Output of inserted layers; see ForwardContext.insertion. */
  readonly inserted?: Tensor4D;
  /** Of an ensemble: each model's output. */
  readonly members?: readonly Partial<ModelOutput>[];
}

/** The paper's code's list of features: stem, maps, penultimate vector. */
export const featureList = ({ stem, maps, pooled }: ModelOutput): Tensor[] => [
  ...[...(stem === undefined ? [] : [stem]), ...maps].map(({ out }) => out),
  pooled,
];

/** A map that is the same before and after. */
export const plainMap = (out: Tensor4D): FeatureMap => ({ out, beforeRelu: out });

/** A model: named state and a pure description of its forward pass. */
export interface Model {
  readonly name: string;
  readonly numClasses: number;
  /** Image size; by default the family's. */
  readonly imageSize?: number;
  /** Size of the penultimate vector. */
  readonly featureSize: number;
  /** All state in PyTorch's state_dict order. */
  readonly state: readonly StateEntry[];
  /** Of an ensemble: its models. */
  readonly members?: readonly Model[];
  /** The forward pass of images [N, H, W, 3], normalised. */
  forward(images: Tensor4D, context: ForwardContext): ModelOutput;
}
