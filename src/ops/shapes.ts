import { sizeOf } from "../common/shapes.js";
import { DT } from "../runtime/native.js";
import type { ReadAttribute } from "./signature.js";

/** Of an op whose images may be in bfloat16. */
export interface Narrow {
  /**
   * Which of its types may be that in a node, from the shapes of its inputs, as far as they are known, and outputs; none where its
   * images stay in float32.
   */
  readonly types: (inputs: readonly (Shape | undefined)[], outputs: readonly Shape[]) => readonly string[];
  /** How often it reads each of them from memory. */
  readonly reads: number;
  /** Whether it is one of these only between others: as a term of a loss it stays in float32, unrounded. */
  readonly between?: true;
}

/** What is known of an op, besides its arguments; what a row leaves out is not so. */
export interface Facts {
  /** Shapes of its outputs. Without a rule it has to run for them. */
  readonly shapes?: ShapeRule;
  /** Multiplications with an addition, from the shapes of its inputs and its output. */
  readonly multiplyAdds?: (inputs: readonly Shape[], output: Shape) => number;
  /** What it counts as where precision is reduced: its inputs of type T are taken in bfloat16, its output is given back in float32. */
  readonly reduced?: "convolution" | "product";
  /**
   * How many of its inputs are activations, the others being weights, where it may stay in bfloat16 between convolutions
   * of what is frozen.
   */
  readonly activations?: number;
  /** Correctly rounded arithmetic on each element, with the same bits whatever lies beside it. */
  readonly exact?: true;
  /** Gives the elements of its first input, in another order or type at most; its other inputs are constants. */
  readonly rearranges?: true;
  /** Its number among the instructions of our elementwise op (src/native/kernels/kernels.h). */
  readonly opcode?: number;
  /** TensorFlow's op of the same arguments, for one of ours. */
  readonly standard?: string;
  /** Where its images may be in bfloat16 (src/native/ops/op.h). */
  readonly narrow?: Narrow;
}

/** An op, or several that have everything in common: names, arguments in TensorFlow's notation, facts. */
export type Row = readonly [names: string, signature: string, facts?: Facts];

/** Along one axis: pixels between windows, pixels in front of the first, and pixels of a window. */
interface WindowGeometry {
  readonly stride: number;
  readonly padding: number;
  readonly kernelSize: number;
}

/** Zeros in front of and behind the pixels of one axis, as many as the windows reach. */
export function zerosAround(
  { stride, padding, kernelSize }: WindowGeometry,
  size: number,
  windows: number,
): [before: number, after: number] {
  const reached = (windows - 1) * stride + kernelSize;
  return [padding, Math.max(0, reached - padding - size)];
}

export type Shape = readonly number[];

/** What a shape rule may look at. */
export interface OpInputs {
  readonly shapes: readonly Shape[];
  /** Values of an input that is a small constant of whole numbers; undefined for any other. */
  constant(index: number): readonly number[] | undefined;
  readonly attribute: ReadAttribute;
}

/** Shapes of an op's outputs, or undefined where the rule cannot tell. */
export type ShapeRule = (inputs: OpInputs) => readonly Shape[] | undefined;

/** The shape of one of the inputs. */
export const like =
  (index: number): ShapeRule =>
  ({ shapes }) =>
    shapes[index] && [shapes[index]];

/** One shape that both can be repeated to; undefined where there is none. */
function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const sizes: number[] = [];
  for (let axis = -rank; axis < 0; axis++) {
    const [m, n] = [a.at(axis) ?? 1, b.at(axis) ?? 1];
    if (m !== n && m !== 1 && n !== 1) return undefined;
    sizes.push(m === 1 ? n : m);
  }
  return sizes;
}

/** The shape that all inputs are repeated to. */
export const broadcasting: ShapeRule = ({ shapes }) => {
  const shape = shapes.reduce<Shape | undefined>((a, b) => a && broadcast(a, b), []);
  return shape && [shape];
};

/** The sizes that one of the inputs holds. */
export const sizesIn =
  (index: number): ShapeRule =>
  ({ constant }) => {
    const sizes = constant(index);
    return sizes && [sizes];
  };

/** A matrix product of [rows, depth] and [depth, columns], each maybe transposed, and whatever axes stand before. */
export const product =
  (transposeA: string, transposeB: string): ShapeRule =>
  ({ shapes: [a = [], b = []], attribute }) => {
    if (a.length < 2 || b.length < 2) return undefined;
    const rows = attribute(transposeA) ? a.at(-1) : a.at(-2);
    const columns = attribute(transposeB) ? b.at(-2) : b.at(-1);
    const before = broadcast(a.slice(0, -2), b.slice(0, -2));
    return before && [[...before, rows as number, columns as number]];
  };

/** How many places a window has along an axis of images [N, H, W, C]. */
function places(axis: 1 | 2, size: number, kernel: number, attribute: ReadAttribute): number {
  const numbers = (name: string, place: number): number => (attribute(name) as number[] | undefined)?.[place] ?? 1;
  const stride = numbers("strides", axis);
  const padding = attribute("padding");
  if (padding === "SAME") return Math.ceil(size / stride);
  const isExplicit = padding === "EXPLICIT";
  const pad = (side: 0 | 1): number => (isExplicit ? numbers("explicit_paddings", 2 * axis + side) : 0);
  const reach = (kernel - 1) * numbers("dilations", axis) + 1;
  return Math.floor((size + pad(0) + pad(1) - reach) / stride) + 1;
}

const isChannelsLast = (attribute: ReadAttribute): boolean => (attribute("data_format") ?? "NHWC") === "NHWC";

/** A convolution of images [N, H, W, C] with a filter [kernel, kernel, ...]. */
export const convolution =
  (channelsOf: (filter: Shape) => number): ShapeRule =>
  ({ shapes: [x, filter], attribute }) => {
    const [n, h, w] = x as [number, number, number, number];
    const [height, width] = filter as [number, number, number, number];
    if (!isChannelsLast(attribute)) return undefined;
    return [[n, places(1, h, height, attribute), places(2, w, width, attribute), channelsOf(filter as Shape)]];
  };

/** A window of ksize that moves over images [N, H, W, C]. */
export const pooling: ShapeRule = ({ shapes: [x], attribute }) => {
  const [n, h, w, c] = x as [number, number, number, number];
  const [, height, width] = attribute("ksize") as [number, number, number];
  if (!isChannelsLast(attribute)) return undefined;
  return [[n, places(1, h, height, attribute), places(2, w, width, attribute), c]];
};

/** Outputs of a batch normalisation. The last is empty on a processor and cuDNN's own on a GPU; nobody looks at it. */
export const batchNorm: ShapeRule = ({ shapes: [x = []] }) => {
  const channels = [x[3] as number];
  return [x, channels, channels, channels, channels, [0]];
};

/** Gradients of a batch normalisation; the last two are empty. */
export const batchNormGradient: ShapeRule = ({ shapes: [, x = []] }) => {
  const channels = [x[3] as number];
  return [x, channels, channels, [0], [0]];
};

/** What is left of the first input without the axes that the second holds. */
export const reduction: ShapeRule = ({ shapes: [x = []], constant, attribute }) => {
  const axes = constant(1)?.map((axis) => (axis < 0 ? axis + x.length : axis));
  if (axes === undefined) return undefined;
  return attribute("keep_dims")
    ? [x.map((size, axis) => (axes.includes(axis) ? 1 : size))]
    : [x.filter((_, axis) => !axes.includes(axis))];
};

/** The second input's sizes, of which one may be -1: whatever is left. */
export const reshaping: ShapeRule = ({ shapes: [x = []], constant }) => {
  const sizes = constant(1);
  const known = sizeOf(sizes?.filter((size) => size !== -1) ?? []);
  return sizes && [sizes.map((size) => (size === -1 ? sizeOf(x) / known : size))];
};

/** The axes of the first input in the order that the second holds. */
export const transposition: ShapeRule = ({ shapes: [x = []], constant }) => {
  const order = constant(1);
  return order && [order.map((axis) => x[axis] as number)];
};

/** Tensors one after the other along the axis that the last input holds. */
export const concatenation: ShapeRule = ({ shapes, constant }) => {
  const parts = shapes.slice(0, -1);
  const [axis] = constant(shapes.length - 1) ?? [];
  const first = parts[0];
  if (axis === undefined || first === undefined) return undefined;
  const total = parts.reduce((sum, part) => sum + (part.at(axis) as number), 0);
  return [first.with(axis, total)];
};

/** Equal parts of the second input along the axis that the first holds. */
export const equalParts: ShapeRule = ({ shapes: [, x = []], constant, attribute }) => {
  const [axis] = constant(0) ?? [];
  const count = attribute("num_split") as number;
  if (axis === undefined) return undefined;
  return Array.from({ length: count }, () => x.with(axis, (x.at(axis) as number) / count));
};

/** Parts of the first input, of the sizes that the second holds, along the axis that the third holds. */
export const parts: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [axis] = constant(2) ?? [];
  const sizes = constant(1);
  if (axis === undefined || sizes === undefined || sizes.includes(-1)) return undefined;
  return sizes.map((size) => x.with(axis, size));
};

/** The first input with as many elements more on both sides of each axis as the second holds. */
export const padding: ShapeRule = ({ shapes: [x = []], constant }) => {
  const sides = constant(1);
  return sides && [x.map((size, axis) => size + (sides[2 * axis] as number) + (sides[2 * axis + 1] as number))];
};

/** A part of the first input: where it begins, and its sizes, of which -1 is all that is left. */
export const slice: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [begin, sizes] = [constant(1), constant(2)];
  if (begin === undefined || sizes === undefined) return undefined;
  return [sizes.map((size, axis) => (size === -1 ? (x[axis] as number) - (begin[axis] as number) : size))];
};

/** The first input as often along each axis as the second holds. */
export const tiling: ShapeRule = ({ shapes: [x = []], constant }) => {
  const times = constant(1);
  return times && [x.map((size, axis) => size * (times[axis] as number))];
};

/** Parts of the first input by the indices of the second, along the axis that the third holds. */
export const gathering: ShapeRule = ({ shapes: [x = [], indices = []], constant, attribute }) => {
  const [axis] = constant(2) ?? [];
  if (axis === undefined || axis < 0 || (attribute("batch_dims") ?? 0) !== 0) return undefined;
  return [[...x.slice(0, axis), ...indices, ...x.slice(axis + 1)]];
};

/** The sums over all axes but the last. */
export const lastAxis: ShapeRule = ({ shapes: [x = []] }) => [[x.at(-1) as number]];

/** The shape that an attribute holds: of a value, or as such. */
export const declared =
  (name: string): ShapeRule =>
  ({ attribute }) => {
    const value = attribute(name) as Shape | { readonly shape: Shape } | undefined;
    if (value === undefined) return undefined;
    return ["shape" in value ? value.shape : value];
  };

/** Bytes of one element; undefined for types that nobody has taken for others yet. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  [DT.float]: 4,
  [DT.int32]: 4,
  [DT.uint8]: 1,
};

/** The same bytes as elements of another type: smaller ones are counted by an axis of their own. */
export const bitcast: ShapeRule = ({ shapes: [x = []], attribute }) => {
  const [from, to] = ["T", "type"].map((name) => ELEMENT_BYTES[attribute(name) as number]);
  if (from === undefined || to === undefined || from < to) return undefined;
  return [from === to ? x : [...x, from / to]];
};

/** As many rows as the first input has, each as long as an attribute says. */
export const rowsOfSize: ShapeRule = ({ shapes: [x = []], attribute }) => [
  [x[0] as number, attribute("size") as number],
];

/** As many outputs as an attribute says, each of the one shape that the inputs have which are no scalars. */
export const elementwise: ShapeRule = (inputs) => {
  const [shape] = broadcasting(inputs) ?? [];
  return shape && new Array<Shape>(inputs.attribute("M") as number).fill(shape);
};
