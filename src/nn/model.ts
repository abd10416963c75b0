import type { Tensor, Tensor2D, Tensor4D, Update, Variable } from "../runtime/tf.js";

/**
 * What a tensor of a model is for; decides how it is initialised and how golden numbers fill it. A parameter is
 * a tensor that learns outside of the layers above, such as a temperature. A buffer is state that steps write and no
 * gradient reaches, such as a memory bank.
 */
export type Role =
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

/** What a forward pass may depend on besides its input. */
export interface ForwardContext {
  /** Batch statistics (true) or running statistics (false). */
  readonly training: boolean;
  /** Where running statistics put their new values in training. */
  readonly updates: Update[];
  /** Running means of batch normalisations that are in evaluation mode all the same. */
  readonly inEvaluation?: ReadonlySet<Variable>;
  /** What stands between the last stage and what follows it; see insertedAt. */
  readonly insertion?: Insertion;
}

/**
 * Layers that a distillation method puts into a student, behind its last stage.
 * @param map [N, H, W, C]
 */
export type Insertion = (map: Tensor4D, context: ForwardContext) => Inserted;

/** What inserted layers make. */
export interface Inserted {
  /** [N, H, W, C], which goes on in the map's place. */
  readonly out: Tensor4D;
  /** What the method looks at. */
  readonly inserted: Tensor4D;
}

/**
 * The map that goes on from a model's last stage to be averaged: every family calls this once, before anything that follows
 * its stages.
 */
export function insertedAt(
  map: Tensor4D,
  context: ForwardContext,
): Pick<Inserted, "out"> & Partial<Inserted> & { readonly averaged: Tensor4D } {
  const made = context.insertion?.(map, context) ?? { out: map };
  return { ...made, averaged: made.out };
}

/** A map of features, [N, H, W, C]. */
export interface FeatureMap {
  /** What the next layers see. */
  readonly out: Tensor4D;
  /** The same before its last ReLU, as the paper's code has it; `out` where the family has no such thing. */
  readonly beforeRelu: Tensor4D;
}

/** What every model returns. */
export interface ModelOutput {
  /** What the first convolution makes; undefined where only the last map is of use. */
  readonly stem: FeatureMap | undefined;
  /** The maps that each stage ends with. */
  readonly maps: readonly FeatureMap[];
  /** The penultimate vector, [N, C]. */
  readonly pooled: Tensor2D;
  /** [N, classes] */
  readonly logits: Tensor2D;
  /** The map whose mean is `pooled`: of WideResNets, MobileNetV2 and ShuffleNetV2 not the last of `maps`. */
  readonly averaged?: Tensor4D;
  /** What inserted layers show; see ForwardContext.insertion. */
  readonly inserted?: Tensor4D;
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
  /** Side of the images that it is to look at; the one that it is made for where left out. */
  readonly imageSize?: number;
  /** Size of the penultimate vector. */
  readonly featureSize: number;
  /** All state in PyTorch's state_dict order. */
  readonly state: readonly StateEntry[];
  /**
   * @param images [N, H, W, 3], normalised
   * @param context training mode and the list that takes updates of running statistics
   */
  forward(images: Tensor4D, context: ForwardContext): ModelOutput;
}
