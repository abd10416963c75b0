import { opNamed } from "../../ops/ops.js";
import { zerosAround } from "../../ops/shapes.js";
import { DT } from "../../runtime/native.js";
import {
  type Attributes,
  attributeReader,
  type GraphNode,
  intsConstant,
  nodesByName,
  shapeBehind,
} from "../graph/graph.js";
import type { Pass } from "../record/recordedStep.js";

/** Zero padding before and after each axis of images [N, H, W, C]. */
type Sides = readonly (readonly [before: number, after: number])[];

interface Sizes {
  readonly images: readonly number[];
  readonly filter: readonly number[];
  readonly windows: readonly number[];
}

/**
 * Turns gradients of convolutions with explicit padding into those of padded images, as oneDNN has none and
 * TensorFlow's own are many times slower, most of all in bfloat16 (docs/adr/0006). The data gradient is cropped.
 */
export const padGradients: Pass = (step) => ({ ...step, nodes: withPadded(step.nodes) });

function withPadded(nodes: readonly GraphNode[]): GraphNode[] {
  const byName = nodesByName(nodes);
  const shapeOf = (ref: string): readonly number[] => shapeBehind(byName, ref) ?? [];
  return nodes.flatMap((node) => {
    if (!isPadded(node) || isOwn(node)) return [node];
    const own = node.shapes?.[0] ?? [];
    const [first = "", second = "", dy = ""] = node.inputs;
    const windows = shapeOf(dy);
    if (/Conv2(D|dNative)BackpropInput$/.test(node.op)) {
      return dataGradient(node, { images: own, filter: shapeOf(second), windows });
    }
    if (/Conv2(D|dNative)BackpropFilter$/.test(node.op)) {
      return weightGradient(node, { images: shapeOf(first), filter: own, windows });
    }
    return [node];
  });
}

/** Our ops support explicit padding. */
const isOwn = ({ op }: GraphNode): boolean => opNamed(op)?.standard !== undefined;

const isPadded = (node: GraphNode): boolean => attributeReader(node)("padding") === "EXPLICIT";

/** A convolution's padding, after the images only as far as its windows reach. */
function sidesOf(node: GraphNode, { images, filter, windows }: Sizes): Sides {
  const [pads, strides] = ["explicit_paddings", "strides"].map(attributeReader(node)) as [number[], number[]];
  return images.map((size, axis) => {
    if (axis === 0 || axis === 3) return [0, 0];
    const geometry = { stride: strides[axis] ?? 1, padding: pads[2 * axis] ?? 0, kernelSize: filter[axis - 1] ?? 0 };
    return zerosAround(geometry, size, windows[axis] ?? 0);
  });
}

const unpadded = (attributes: Attributes): Attributes => ({
  ...attributes,
  padding: { string: "VALID" },
  explicit_paddings: { ints: [] },
});

const INDICES = { type: DT.int32 };

const grown = (images: readonly number[], sides: Sides): number[] =>
  images.map((size, axis) => size + (sides[axis]?.[0] ?? 0) + (sides[axis]?.[1] ?? 0));

function dataGradient(node: GraphNode, sizes: Sizes): GraphNode[] {
  const sides = sidesOf(node, sizes);
  const padded = grown(sizes.images, sides);
  const [, filter = "", dy = ""] = node.inputs;
  const names = {
    padded: `${node.name}/padded`,
    sizes: `${node.name}/padded_sizes`,
    begin: `${node.name}/begin`,
    size: `${node.name}/size`,
  };
  const { T = { type: DT.float } } = node.attributes;
  return [
    intsConstant(names.sizes, padded),
    {
      ...node,
      name: names.padded,
      inputs: [names.sizes, filter, dy, ...node.inputs.slice(3)],
      attributes: unpadded(node.attributes),
      shapes: [padded],
    },
    intsConstant(
      names.begin,
      sides.map(([before]) => before),
    ),
    intsConstant(names.size, sizes.images),
    {
      name: node.name,
      op: "Slice",
      inputs: [names.padded, names.begin, names.size],
      attributes: { T, Index: INDICES },
      shapes: [sizes.images],
    },
  ];
}

function weightGradient(node: GraphNode, sizes: Sizes): GraphNode[] {
  const sides = sidesOf(node, sizes);
  const [images = "", ...others] = node.inputs;
  const names = { padded: `${node.name}/padded`, sides: `${node.name}/sides` };
  const { T = { type: DT.float } } = node.attributes;
  return [
    intsConstant(names.sides, sides.flat(), [4, 2]),
    {
      name: names.padded,
      op: "Pad",
      inputs: [images, names.sides],
      attributes: { T, Tpaddings: INDICES },
      shapes: [grown(sizes.images, sides)],
    },
    { ...node, inputs: [names.padded, ...others], attributes: unpadded(node.attributes) },
  ];
}
