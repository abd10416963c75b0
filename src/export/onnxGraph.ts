import { inputError } from "../common/errors.js";
import { sizeOf } from "../common/shapes.js";
import {
  attributeReader,
  type GraphNode,
  nodeOf,
  nodesByName,
  outputRef,
  plainRef,
  shapeBehind,
} from "../compile/graph/graph.js";
import type { ForwardGraph } from "../compile/record/forwardGraph.js";
import type { Normalization } from "../data/normalize.js";
import { DT } from "../runtime/native.js";
import {
  ONNX,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxPort,
  type OnnxTensor,
} from "./onnxModel.js";

/** Maps [N, H, W, C] are [N, C, H, W] in ONNX; all other tensors stay as they are ("plain"). */
type Layout = "nchw" | "plain";
const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];
/** Where each axis of [N, H, W, C] is in [N, C, H, W]. */
const AXIS = [0, 2, 3, 1];
const RANK = 4;

/** An end of a slice that is past every axis. */
const REST = 2 ** 31 - 1;

/** Name of the dynamic axis. */
const BATCH = "batch";

const permuted = <T>(values: readonly T[], order: readonly number[]): T[] => order.map((axis) => values[axis] as T);

/** A float32 constant with permuted axes. */
function transposed({ shape, bytes, type }: OnnxTensor, order: readonly number[]): OnnxTensor {
  const from = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const [sizes, steps] = [permuted(shape, order), permuted(strides, order)];
  const to = new Float32Array(from.length);
  const index = sizes.map(() => 0);
  let at = 0;
  for (let i = 0; i < to.length; i++) {
    to[i] = from[at] as number;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at += steps[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (sizes[axis] as number)) break;
      at -= (sizes[axis] as number) * (steps[axis] as number);
      index[axis] = 0;
    }
  }
  return { type, shape: sizes, bytes: new Uint8Array(to.buffer) };
}

/** What the mapping of one op works with: the graph as it grows. */
interface Place {
  readonly node: GraphNode;
  readonly attribute: (name: string) => unknown;
  /** Shape of an input, [N, H, W, C]. */
  shape(input: number): readonly number[];
  /** The name of an input in a layout. */
  view(input: number, layout: Layout): string;
  /** The values of a constant input. @throws inputError for one that is computed */
  integers(input: number): number[];
  /** A constant of int64 numbers. */
  axes(values: readonly number[]): string;
  /** A new node. @returns its output */
  add(op: string, inputs: readonly string[], attributes?: OnnxNode["attributes"]): string;
  /** A constant with permuted axes and, where given, another shape; computed filters are transposed by a node. */
  weight(input: number, order: readonly number[], shape?: readonly number[]): string;
  /** Names the node's results. */
  give(names: readonly string[], layout: Layout): void;
}

type Mapping = (place: Place) => void;

const isMap = ({ shape }: Place, input: number): boolean => shape(input).length === RANK;
const layoutOf = (place: Place, input = 0): Layout => (isMap(place, input) ? "nchw" : "plain");

/** An op of the same name and meaning for every element. */
const elementwise =
  (op: string, ...constants: number[]): Mapping =>
  (place) => {
    const layout = layoutOf(place);
    const bounds = constants.map((value) => place.weight(-1, [value]));
    place.give([place.add(op, [place.view(0, layout), ...bounds])], layout);
  };

/** Two inputs with broadcasting: vectors of channels become [C, 1, 1] beside maps. */
const binary =
  (op: string): Mapping =>
  (place) => {
    const shapes = [place.shape(0), place.shape(1)];
    const fits = (shape: readonly number[]) => shape.length === RANK || shape.length < 2;
    const layout = shapes.some(({ length }) => length === RANK) && shapes.every(fits) ? "nchw" : "plain";
    const inputs = shapes.map((shape, i) => {
      if (layout === "plain" || shape.length === RANK) return place.view(i, layout);
      return sizeOf(shape) === 1 ? place.view(i, "plain") : place.weight(i, [0], [sizeOf(shape), 1, 1]);
    });
    place.give([place.add(op, inputs)], layout);
  };

const reduction =
  (op: string): Mapping =>
  (place) => {
    const rank = place.shape(0).length;
    const axes = place.integers(1).map((axis) => (axis + rank) % rank);
    const keeps = place.attribute("keep_dims") === true;
    // Of the other reductions of maps the axes that stay would be in another order.
    const layout = rank === RANK && (keeps || axes.sort().join() === "1,2") ? "nchw" : "plain";
    const own = layout === "nchw" ? axes.map((axis) => AXIS[axis] as number) : axes;
    const result = place.add(op, [place.view(0, layout), place.axes(own)], { keepdims: keeps ? 1 : 0 });
    place.give([result], layout === "nchw" && keeps ? "nchw" : "plain");
  };

/** [top, left, bottom, right] of a window over a map, as TensorFlow pads. */
function padsOf({ attribute, shape, node }: Place, kernel: readonly number[], dilations: readonly number[]): number[] {
  const padding = attribute("padding");
  if (padding === "VALID") return [0, 0, 0, 0];
  if (padding === "EXPLICIT") return permuted(attribute("explicit_paddings") as number[], [2, 4, 3, 5]);
  const strides = (attribute("strides") as number[]).slice(1, 3);
  const result = node.shapes?.[0] ?? [];
  const totals = kernel.map((size, i) => {
    const reach = ((result[i + 1] as number) - 1) * (strides[i] as number) + (dilations[i] as number) * (size - 1) + 1;
    return Math.max(0, reach - (shape(0)[i + 1] as number));
  });
  const first = totals.map((total) => Math.floor(total / 2));
  return [...first, ...totals.map((total, i) => total - (first[i] as number))];
}

const convolution =
  (isDepthwise: boolean): Mapping =>
  (place) => {
    const [height = 0, width = 0, inputs = 0, outputs = 0] = place.shape(1);
    const channels = place.shape(0)[3] as number;
    const [strides, dilations] = ["strides", "dilations"].map((name) =>
      (place.attribute(name) as number[]).slice(1, 3),
    );
    const kernel = [height, width];
    const filter = isDepthwise
      ? place.weight(1, [2, 3, 0, 1], [inputs * outputs, 1, height, width])
      : place.weight(1, [3, 2, 0, 1]);
    const attributes = {
      kernel_shape: kernel,
      strides: strides as number[],
      dilations: dilations as number[],
      pads: padsOf(place, kernel, dilations as number[]),
      group: isDepthwise ? channels : channels / inputs,
    };
    place.give([place.add("Conv", [place.view(0, "nchw"), filter], attributes)], "nchw");
  };

const pooling =
  (op: string): Mapping =>
  (place) => {
    const kernel = (place.attribute("ksize") as number[]).slice(1, 3);
    const strides = (place.attribute("strides") as number[]).slice(1, 3);
    const attributes = { kernel_shape: kernel, strides, pads: padsOf(place, kernel, [1, 1]) };
    place.give([place.add(op, [place.view(0, "nchw")], attributes)], "nchw");
  };

const product =
  (left: string, right: string): Mapping =>
  (place) => {
    const flips = [left, right].map((name) => place.attribute(name) === true);
    const ranks = [0, 1].map((input) => place.shape(input).length);
    if (ranks.every((rank) => rank === 2)) {
      const attributes = { transA: flips[0] ? 1 : 0, transB: flips[1] ? 1 : 0 };
      return place.give([place.add("Gemm", [place.view(0, "plain"), place.view(1, "plain")], attributes)], "plain");
    }
    const inputs = ranks.map((rank, i) => {
      const order = Array.from({ length: rank }, (_, axis) => axis);
      const perm = [...order.slice(0, -2), rank - 1, rank - 2];
      return flips[i] ? place.add("Transpose", [place.view(i, "plain")], { perm }) : place.view(i, "plain");
    });
    place.give([place.add("MatMul", inputs)], "plain");
  };

/** An axis of an input in its layout. */
function axisOf(place: Place, constant: number, of: number): number {
  const rank = place.shape(of).length;
  const axis = ((place.integers(constant)[0] as number) + rank) % rank;
  return rank === RANK ? (AXIS[axis] as number) : axis;
}

const split =
  (input: number, axis: number, sizes: (place: Place, total: number) => number[]): Mapping =>
  (place) => {
    const layout = layoutOf(place, input);
    const at = axisOf(place, axis, input);
    const shape = layout === "nchw" ? permuted(place.shape(input), TO_NCHW) : place.shape(input);
    const parts = sizes(place, shape[at] as number);
    const names = parts.map((_, i) => outputRef(place.node.name, i));
    place.add("Split", [place.view(input, layout), place.axes(parts)], { axis: at });
    place.give(names, layout);
  };

const evenParts = ({ attribute }: Place, total: number): number[] => {
  const count = attribute("num_split") as number;
  return Array.from({ length: count }, () => total / count);
};

/** Ops of TensorFlow in ONNX (opset 18). Only those of inference; another is named in the error. */
const MAPPINGS: Readonly<Record<string, Mapping>> = {
  Conv2D: convolution(false),
  DepthwiseConv2dNative: convolution(true),
  FusedBatchNormV3(place) {
    const statistics = [1, 2, 3, 4].map((input) => place.view(input, "plain"));
    const epsilon = { float: place.attribute("epsilon") as number };
    place.give([place.add("BatchNormalization", [place.view(0, "nchw"), ...statistics], { epsilon })], "nchw");
  },
  BiasAdd: binary("Add"),
  ...Object.fromEntries(
    [
      ["AddV2", "Add"],
      ["Add"],
      ["Sub"],
      ["Mul"],
      ["RealDiv", "Div"],
      ["Div"],
      ["Maximum", "Max"],
      ["Minimum", "Min"],
      ["Pow"],
    ].map(([op = "", own = op]) => [op, binary(own)]),
  ),
  ...Object.fromEntries(
    [
      ["Relu"],
      ["Exp"],
      ["Log"],
      ["Neg"],
      ["Abs"],
      ["Sqrt"],
      ["Sigmoid"],
      ["Tanh"],
      ["Erf"],
      ["Elu"],
      ["Softplus"],
      ["Identity"],
    ].map(([op = ""]) => [op, elementwise(op)]),
  ),
  Relu6: elementwise("Clip", 0, 6),
  Cast(place) {
    const { SrcT, DstT } = { SrcT: place.attribute("SrcT"), DstT: place.attribute("DstT") };
    if (SrcT !== DT.float || DstT !== DT.float) throw unmapped(place.node, "Cast to another type");
    elementwise("Identity")(place);
  },
  Mean: reduction("ReduceMean"),
  Sum: reduction("ReduceSum"),
  Max: reduction("ReduceMax"),
  Min: reduction("ReduceMin"),
  MaxPool: pooling("MaxPool"),
  AvgPool: pooling("AveragePool"),
  MatMul: product("transpose_a", "transpose_b"),
  BatchMatMulV2: product("adj_x", "adj_y"),
  Softmax: (place) => place.give([place.add("Softmax", [place.view(0, "plain")], { axis: -1 })], "plain"),
  Reshape(place) {
    place.give([place.add("Reshape", [place.view(0, "plain"), place.axes(place.integers(1))])], "plain");
  },
  Transpose(place) {
    place.give([place.add("Transpose", [place.view(0, "plain")], { perm: place.integers(1) })], "plain");
  },
  Square: elementwise("Pow", 2),
  Rsqrt: elementwise("Pow", -0.5),
  Slice(place) {
    const [starts, sizes] = [place.integers(1), place.integers(2)];
    const ends = starts.map((start, i) => (sizes[i] === -1 ? REST : start + (sizes[i] as number)));
    place.give([place.add("Slice", [place.view(0, "plain"), place.axes(starts), place.axes(ends)])], "plain");
  },
  Split: split(1, 0, evenParts),
  SplitV: split(0, 2, (place) => place.integers(1)),
  ConcatV2(place) {
    const count = place.attribute("N") as number;
    const layout = layoutOf(place);
    const inputs = Array.from({ length: count }, (_, i) => place.view(i, layout));
    place.give([place.add("Concat", inputs, { axis: axisOf(place, count, 0) })], layout);
  },
  PadV2(place) {
    const layout = layoutOf(place);
    const flat = place.integers(1);
    const order = layout === "nchw" ? TO_NCHW : place.shape(0).map((_, axis) => axis);
    const pads = [0, 1].flatMap((side) => order.map((axis) => flat[2 * axis + side] as number));
    place.give([place.add("Pad", [place.view(0, layout), place.axes(pads), place.view(2, "plain")])], layout);
  },
};

function unmapped({ op, caller }: GraphNode, what = `The op ${op}`) {
  const place = caller === undefined ? "" : ` (${caller()})`;
  return inputError(
    `${what} has no mapping to ONNX${place}.`,
    "Convert to a SavedModel instead (OUT/), or compute it with other ops.",
  );
}

const floats = (values: readonly number[], shape: readonly number[] = [values.length]): OnnxTensor => ({
  type: ONNX.float,
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

interface Built {
  readonly name: string;
  readonly layout: Layout;
}

/** Maps recorded nodes one by one; constants are written only in the layouts that are used. */
function createMapper(forward: ForwardGraph) {
  const byName = nodesByName(forward.nodes);
  const [nodes, constants] = [[] as OnnxNode[], new Map<string, OnnxTensor>()];
  const built = new Map<string, Built>();
  const views = new Map<string, string>();
  const tensorOf = (ref: string): OnnxTensor | undefined => {
    const value = byName.get(nodeOf(ref))?.attributes.value;
    if (value === undefined || !("tensor" in value)) return undefined;
    const { dtype, shape, bytes } = value.tensor;
    return dtype === DT.float ? { type: ONNX.float, shape, bytes: Uint8Array.from(bytes) } : undefined;
  };
  const constant = (name: string, tensor: OnnxTensor): string => {
    constants.set(name, tensor);
    return name;
  };
  const push = (
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, OnnxAttribute>,
  ) => {
    nodes.push({ op, inputs, outputs, attributes });
    return outputs[0] as string;
  };
  const viewOf = (given: string, layout: Layout): string => {
    const ref = plainRef(given);
    const known = views.get(`${layout} ${ref}`);
    if (known !== undefined) return known;
    const found = built.get(ref);
    const tensor = tensorOf(ref);
    const isTurned = (found?.layout ?? "plain") !== layout;
    const order = layout === "nchw" ? TO_NCHW : TO_NHWC;
    const name = isTurned ? `${ref}/${layout}` : (found?.name ?? ref);
    if (found === undefined) {
      if (tensor === undefined) throw unmapped(byName.get(nodeOf(ref)) as GraphNode);
      constant(name, isTurned ? transposed(tensor, order) : tensor);
    } else if (isTurned) push("Transpose", [found.name], [name], { perm: order });
    views.set(`${layout} ${ref}`, name);
    return name;
  };
  const placeOf = (node: GraphNode): Place => {
    const refOf = (input: number) => node.inputs[input] as string;
    let made = 0;
    const place: Place = {
      node,
      attribute: attributeReader(node),
      shape(input) {
        const shape = shapeBehind(byName, refOf(input));
        if (shape === undefined) throw unmapped(node, `${node.op} of an unknown shape`);
        return shape;
      },
      view: (input, layout) => viewOf(refOf(input), layout),
      integers(input) {
        const value = byName.get(nodeOf(refOf(input)))?.attributes.value;
        if (value === undefined || !("tensor" in value))
          throw unmapped(node, `${node.op} with a computed shape or axis`);
        return [...new Int32Array(Uint8Array.from(value.tensor.bytes).buffer)];
      },
      axes: (values) =>
        constant(`${node.name}/axes_${made++}`, {
          type: ONNX.int64,
          shape: [values.length],
          bytes: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
        }),
      add(op, inputs, attributes = {}) {
        const count = op === "Split" ? (constants.get(inputs[1] as string)?.shape[0] ?? 1) : 1;
        const names = Array.from({ length: count }, (_, i) => outputRef(node.name, i));
        const isLast = op !== "Transpose" || node.op === "Transpose";
        return push(op, inputs, isLast ? names : [`${node.name}/part_${made++}`], attributes);
      },
      weight(input, order, shape) {
        if (input < 0) return constant(`${node.name}/bound_${made++}`, floats(order, []));
        const tensor = tensorOf(refOf(input));
        const name = `${plainRef(refOf(input))}/${order.join("")}`;
        if (tensor !== undefined) {
          const turned = transposed(tensor, order);
          return constant(name, shape === undefined ? turned : { ...turned, shape });
        }
        const plain = viewOf(refOf(input), "plain");
        const outputs = [`${node.name}/weight_${made++}`];
        const turned = order.length < 2 ? plain : push("Transpose", [plain], outputs, { perm: order });
        if (shape === undefined) return turned;
        return push("Reshape", [turned, place.axes(shape)], [`${node.name}/shaped_${made++}`], {});
      },
      give: (names, layout) => {
        for (const [i, name] of names.entries()) built.set(outputRef(node.name, i), { name, layout });
      },
    };
    return place;
  };
  return { nodes, constants, built, push, constant, viewOf, placeOf };
}

/** What a graph takes: images that are normalised already, or uint8 pixels, which it normalises. */
export interface OnnxInput {
  /** [H, W, 3] */
  readonly shape: readonly number[];
  /** For uint8 pixels [N, H, W, 3]; else the input is float32, normalised, [N, 3, H, W]. */
  readonly preprocessing?: Normalization | undefined;
}

const INPUT = "images";

/**
 * A recorded computation as an ONNX graph, weights transposed to ONNX's layouts.
 * @param outputs names, first the one that programs take by default
 * @throws inputError naming an op that has no mapping
 */
export function onnxGraph(
  forward: ForwardGraph,
  { shape, preprocessing }: OnnxInput,
  outputs: readonly string[],
): OnnxGraph {
  const { nodes, constants, built, push, constant, viewOf, placeOf } = createMapper(forward);
  const source = plainRef(forward.input.tensor);
  const [height, width, channels] = shape as [number, number, number];
  const port = (type: number, sizes: readonly number[]): OnnxPort => ({ name: INPUT, type, shape: [BATCH, ...sizes] });
  if (preprocessing === undefined) built.set(source, { name: INPUT, layout: "nchw" });
  else {
    // (pixel / 255 - mean) / deviation, as data/normalize.ts rounds it.
    const pixels = push("Cast", [INPUT], ["pixels"], { to: ONNX.float });
    const scaled = push("Div", [pixels, constant("full_scale", floats([255]))], ["scaled"], {});
    const centered = push("Sub", [scaled, constant("mean", floats(preprocessing.mean))], ["centered"], {});
    push("Div", [centered, constant("deviation", floats(preprocessing.deviation))], ["normalized"], {});
    built.set(source, { name: "normalized", layout: "plain" });
  }
  for (const node of forward.nodes) {
    if (node.name === source || node.op === "Const") continue;
    const mapping = MAPPINGS[node.op];
    if (mapping === undefined) throw unmapped(node);
    mapping(placeOf(node));
  }
  const ports = outputs.map((name): OnnxPort => {
    const { tensor, shape: sizes } = forward.outputs[name] as { tensor: string; shape: readonly number[] };
    push("Identity", [viewOf(tensor, "plain")], [name], {});
    return { name, type: ONNX.float, shape: [BATCH, ...sizes.slice(1)] };
  });
  return {
    nodes,
    constants,
    inputs: [
      preprocessing === undefined
        ? port(ONNX.float, [channels, height, width])
        : port(ONNX.uint8, [height, width, channels]),
    ],
    outputs: ports,
  };
}
