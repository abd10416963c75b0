import { OWN_BATCH_NORM, OWN_BATCH_NORM_GRADIENT } from "../../ops/own.js";
import { attributeReader, type GraphNode, nodeOf, outputOf } from "../graph/graph.js";
import type { Pass } from "../record/recordedStep.js";
import { writer } from "./channelArithmetic.js";

/** New nodes for a node, and the references that replace its outputs, in order. */
type Replacement = { readonly nodes: readonly GraphNode[]; readonly outputs: readonly string[] };

type Shapes = { readonly images: readonly number[]; readonly channels: readonly number[] };

function sizesOf(node: GraphNode): Shapes & { readonly count: number } {
  const images = node.shapes?.[0] as readonly number[];
  const [n, h, w, c] = images as [number, number, number, number];
  return { images, channels: [c], count: n * h * w };
}

/** Batch normalisation with batch statistics; outputs by name. */
function forward(node: GraphNode) {
  const nodes: GraphNode[] = [];
  const { images, channels, count } = sizesOf(node);
  const to = writer(node.name, nodes, channels);
  const [x, scale, offset] = node.inputs as [string, string, string];
  const sums = to.channelSums("sums", x, to.mul("squares", x, x, images));
  const [mean, square] = to.halves("moments", to.mul("means", sums, to.float("per_value", 1 / count), to.both));
  const difference = to.sub("difference", square, to.mul("mean_squared", mean, mean));
  // For nearly equal values rounding can make the difference negative, and its root NaN.
  const variance = to.atLeast("variance", difference, to.float("zero", 0));
  const epsilon = to.float("epsilon", attributeReader(node)("epsilon") as number);
  const inverse = to.rsqrt("inverse", to.plus("shifted", variance, epsilon));
  const normalized = to.mul("normalized", to.sub("centred", x, mean, images), to.mul("factor", inverse, scale), images);
  const y = to.plus("y", normalized, offset, images);
  const unbiased = to.mul("unbiased", variance, to.float("bessel", count / (count - 1)));
  return { nodes, y, mean, unbiased, inverse };
}

function gradient(node: GraphNode): Replacement {
  const nodes: GraphNode[] = [];
  const { images, channels, count } = sizesOf(node);
  const to = writer(node.name, nodes, channels);
  const [dy, x, scale, mean, inverse] = node.inputs as [string, string, string, string, string];
  const normalized = to.mul("normalized", to.sub("centred", x, mean, images), inverse, images);
  const sums = to.channelSums("sums", dy, to.mul("products", dy, normalized, images));
  const [dOffset, dScale] = to.halves("gradients", sums);
  const [meanOffset, meanScale] = to.halves("means", to.mul("per_value", sums, to.float("one_of", 1 / count), to.both));
  const centred = to.sub(
    "rest",
    to.sub("shifted", dy, meanOffset, images),
    to.mul("along", normalized, meanScale, images),
    images,
  );
  const dx = to.mul("dx", centred, to.mul("factor", scale, inverse), images);
  return { nodes, outputs: [dx, dScale, dOffset] };
}

/** Outputs of TensorFlow's op and of ours differ in order. */
function standardForward(node: GraphNode): Replacement {
  const { nodes, y, mean, unbiased, inverse } = forward(node);
  return { nodes, outputs: [y, mean, unbiased, mean, inverse] };
}

function ownForward(node: GraphNode): Replacement {
  const { nodes, y, mean, unbiased, inverse } = forward(node);
  return { nodes, outputs: [y, mean, unbiased, inverse] };
}

const isTraining = (node: GraphNode): boolean => attributeReader(node)("is_training") === true;

/** The replacement of each op; undefined where it stays. */
const REPLACEMENTS: Readonly<Record<string, (node: GraphNode) => Replacement | undefined>> = {
  FusedBatchNormV3: (node) => (isTraining(node) ? standardForward(node) : undefined),
  FusedBatchNormGradV3: (node) => (isTraining(node) ? gradient(node) : undefined),
  [OWN_BATCH_NORM]: ownForward,
  [OWN_BATCH_NORM_GRADIENT]: gradient,
};

/** Training batch normalisation as plain arithmetic, for XLA: one reduction for both sums; the rest is fused. */
export const plainBatchNorm: Pass = (step) => {
  const replaced = new Map<string, readonly string[]>();
  const place = (ref: string): string => replaced.get(nodeOf(ref))?.[outputOf(ref)] ?? ref;
  const nodes = step.nodes.flatMap((given) => {
    const node = { ...given, inputs: given.inputs.map(place) };
    const made = REPLACEMENTS[node.op]?.(node);
    if (made === undefined) return [node];
    replaced.set(node.name, made.outputs);
    return made.nodes;
  });
  const updates = step.updates.map(([variable, ref]) => [variable, place(ref)] as const);
  return { ...step, nodes, updates };
};
