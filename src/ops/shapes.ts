import { sizeOf } from "../common/shapes.js";
import { DT } from "../runtime/native.js";
import type { ReadAttribute } from "./signature.js";

export interface Bfloat16Support {
  /** Type attributes that may be bfloat16, by the shapes of inputs, where known, and outputs; none for float32. */
  readonly types: (inputs: readonly (Shape | undefined)[], outputs: readonly Shape[]) => readonly string[];
  /** Times it reads each activation from memory. */
  readonly reads: number;
  /** Whether all its users must be bfloat16, too: a term of a loss stays float32. */
  readonly interiorOnly?: true;
}

/** Properties of an op besides its arguments; false by default. */
export interface Facts {
  /** Shape inference; without it the op has to run while traced. */
  readonly shapes?: ShapeRule;
  /** FMAs, from the shapes of its inputs and its output. */
  readonly multiplyAdds?: (inputs: readonly Shape[], output: Shape) => number;
  /** Its kind under mixed precision: inputs of type T in 16 bits, output in float32. */
  readonly reduced?: "convolution" | "product";
  /** Number of inputs that are activations, not weights, where it may stay in bfloat16 in a frozen model. */
  readonly activations?: number;
  /** Correctly rounded elementwise arithmetic: the same bits in any layout. */
  readonly exact?: true;
  /** A cast, reshape or transpose of its first input; its other inputs are constants. */
  readonly rearranges?: true;
  /** Its opcode in our elementwise op (src/native/kernels/kernels.h). */
  readonly opcode?: number;
  /** For one of our ops, TensorFlow's with the same arguments. */
  readonly standard?: string;
  /** Support for bfloat16 activations (src/native/ops/op.h). */
  readonly bfloat16?: Bfloat16Support;
}

/** One or several equal ops: names, signature in TensorFlow's notation, facts. */
export type Row = readonly [names: string, signature: string, facts?: Facts];

/** Along one axis, in pixels. */
interface WindowGeometry {
  readonly stride: number;
  readonly padding: number;
  readonly kernelSize: number;
}

/** Zero padding before and after one axis, as far as the windows reach. */
export function zerosAround(
  { stride, padding, kernelSize }: WindowGeometry,
  size: number,
  windows: number,
): [before: number, after: number] {
  const reached = (windows - 1) * stride + kernelSize;
  return [padding, Math.max(0, reached - padding - size)];
}

export type Shape = readonly number[];

export interface OpInputs {
  readonly shapes: readonly Shape[];
  /** Values of an input that is a small integral constant. */
  constant(index: number): readonly number[] | undefined;
  readonly attribute: ReadAttribute;
}

/** Shapes of an op's outputs, if they can be inferred. */
export type ShapeRule = (inputs: OpInputs) => readonly Shape[] | undefined;

/** The shape of one of the inputs. */
export const like =
  (index: number): ShapeRule =>
  ({ shapes }) =>
    shapes[index] && [shapes[index]];

/** The broadcast shape; undefined where there is none. */
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

/** The broadcast shape of all inputs. */
export const broadcasting: ShapeRule = ({ shapes }) => {
  const shape = shapes.reduce<Shape | undefined>((a, b) => a && broadcast(a, b), []);
  return shape && [shape];
};

/** The shape in one of the inputs. */
export const sizesIn =
  (index: number): ShapeRule =>
  ({ constant }) => {
    const sizes = constant(index);
    return sizes && [sizes];
  };

/** A batched matrix product of [rows, depth] and [depth, columns], each maybe transposed. */
export const product =
  (transposeA: string, transposeB: string): ShapeRule =>
  ({ shapes: [a = [], b = []], attribute }) => {
    if (a.length < 2 || b.length < 2) return undefined;
    const rows = attribute(transposeA) ? a.at(-1) : a.at(-2);
    const columns = attribute(transposeB) ? b.at(-2) : b.at(-1);
    const before = broadcast(a.slice(0, -2), b.slice(0, -2));
    return before && [[...before, rows as number, columns as number]];
  };

/** Output size of a window along an axis of images [N, H, W, C]. */
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

/** A pooling window of ksize over images [N, H, W, C]. */
export const pooling: ShapeRule = ({ shapes: [x], attribute }) => {
  const [n, h, w, c] = x as [number, number, number, number];
  const [, height, width] = attribute("ksize") as [number, number, number];
  if (!isChannelsLast(attribute)) return undefined;
  return [[n, places(1, h, height, attribute), places(2, w, width, attribute), c]];
};

/** Outputs of a batch normalisation. The last is empty on a CPU and cuDNN's reserve space on a GPU. */
export const batchNorm: ShapeRule = ({ shapes: [x = []] }) => {
  const channels = [x[3] as number];
  return [x, channels, channels, channels, channels, [0]];
};

/** Gradients of a batch normalisation; the last two are empty. */
export const batchNormGradient: ShapeRule = ({ shapes: [, x = []] }) => {
  const channels = [x[3] as number];
  return [x, channels, channels, [0], [0]];
};

/** A reduction over the axes in the second input. */
export const reduction: ShapeRule = ({ shapes: [x = []], constant, attribute }) => {
  const axes = constant(1)?.map((axis) => (axis < 0 ? axis + x.length : axis));
  if (axes === undefined) return undefined;
  return attribute("keep_dims")
    ? [x.map((size, axis) => (axes.includes(axis) ? 1 : size))]
    : [x.filter((_, axis) => !axes.includes(axis))];
};

/** The shape in the second input, where one size may be -1. */
export const reshaping: ShapeRule = ({ shapes: [x = []], constant }) => {
  const sizes = constant(1);
  const known = sizeOf(sizes?.filter((size) => size !== -1) ?? []);
  return sizes && [sizes.map((size) => (size === -1 ? sizeOf(x) / known : size))];
};

/** A permutation of axes by the second input. */
export const transposition: ShapeRule = ({ shapes: [x = []], constant }) => {
  const order = constant(1);
  return order && [order.map((axis) => x[axis] as number)];
};

/** Concatenation along the axis in the last input. */
export const concatenation: ShapeRule = ({ shapes, constant }) => {
  const parts = shapes.slice(0, -1);
  const [axis] = constant(shapes.length - 1) ?? [];
  const first = parts[0];
  if (axis === undefined || first === undefined) return undefined;
  const total = parts.reduce((sum, part) => sum + (part.at(axis) as number), 0);
  return [first.with(axis, total)];
};

/** Equal splits of the second input along the axis in the first. */
export const equalParts: ShapeRule = ({ shapes: [, x = []], constant, attribute }) => {
  const [axis] = constant(0) ?? [];
  const count = attribute("num_split") as number;
  if (axis === undefined) return undefined;
  return Array.from({ length: count }, () => x.with(axis, (x.at(axis) as number) / count));
};

/** Splits of the first input, sizes in the second, axis in the third. */
export const parts: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [axis] = constant(2) ?? [];
  const sizes = constant(1);
  if (axis === undefined || sizes === undefined || sizes.includes(-1)) return undefined;
  return sizes.map((size) => x.with(axis, size));
};

/** Padding of the first input by the second. */
export const padding: ShapeRule = ({ shapes: [x = []], constant }) => {
  const sides = constant(1);
  return sides && [x.map((size, axis) => size + (sides[2 * axis] as number) + (sides[2 * axis + 1] as number))];
};

/** A slice: begin and sizes, where -1 is the rest of an axis. */
export const slice: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [begin, sizes] = [constant(1), constant(2)];
  if (begin === undefined || sizes === undefined) return undefined;
  return [sizes.map((size, axis) => (size === -1 ? (x[axis] as number) - (begin[axis] as number) : size))];
};

/** The first input repeated along each axis by the second. */
export const tiling: ShapeRule = ({ shapes: [x = []], constant }) => {
  const times = constant(1);
  return times && [x.map((size, axis) => size * (times[axis] as number))];
};

/** Gather from the first input, indices in the second, axis in the third. */
export const gathering: ShapeRule = ({ shapes: [x = [], indices = []], constant, attribute }) => {
  const [axis] = constant(2) ?? [];
  if (axis === undefined || axis < 0 || (attribute("batch_dims") ?? 0) !== 0) return undefined;
  return [[...x.slice(0, axis), ...indices, ...x.slice(axis + 1)]];
};

/** Reduction over all axes but the last. */
export const lastAxis: ShapeRule = ({ shapes: [x = []] }) => [[x.at(-1) as number]];

/** The shape in an attribute: of a tensor, or itself. */
export const declared =
  (name: string): ShapeRule =>
  ({ attribute }) => {
    const value = attribute(name) as Shape | { readonly shape: Shape } | undefined;
    if (value === undefined) return undefined;
    return ["shape" in value ? value.shape : value];
  };

const ELEMENT_BYTES: Readonly<Record<number, number>> = { [DT.float]: 4, [DT.int32]: 4, [DT.uint8]: 1 };

/** A bitcast; a smaller type adds an axis. */
export const bitcast: ShapeRule = ({ shapes: [x = []], attribute }) => {
  const [from, to] = ["T", "type"].map((name) => ELEMENT_BYTES[attribute(name) as number]);
  if (from === undefined || to === undefined || from < to) return undefined;
  return [from === to ? x : [...x, from / to]];
};

/** The rows of the first input, of the length in an attribute. */
export const rowsOfSize: ShapeRule = ({ shapes: [x = []], attribute }) => [
  [x[0] as number, attribute("size") as number],
];

/** M outputs (an attribute) of the broadcast shape. */
export const elementwise: ShapeRule = (inputs) => {
  const [shape] = broadcasting(inputs) ?? [];
  return shape && new Array<Shape>(inputs.attribute("M") as number).fill(shape);
};
