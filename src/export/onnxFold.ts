import type { OnnxGraph, OnnxNode, OnnxTensor } from "./onnxModel.js";
import { ONNX } from "./onnxModel.js";

/** The elements of a float32 constant. */
export const floatsOf = ({ bytes }: OnnxTensor): Float32Array =>
  new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);

export const floatTensor = (values: ArrayLike<number>, shape: readonly number[] = [values.length]): OnnxTensor => ({
  type: ONNX.float,
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

/** Nodes that read each tensor. */
export function readersOf(nodes: readonly OnnxNode[]): Map<string, OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes) {
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  return readers;
}

/** y = factor * x + offset for each output channel. */
interface Affine {
  readonly of: string;
  readonly factor?: Float64Array;
  readonly offset: Float64Array;
}

/** A node as a function of one computed tensor, where it is batch normalisation or the addition of a constant vector. */
function affineOf({ op, inputs, attributes }: OnnxNode, constants: OnnxGraph["constants"]): Affine | undefined {
  const values = inputs.map((input) => constants.get(input));
  if (op === "BatchNormalization") {
    const [of = "", ...statistics] = inputs;
    const found = statistics.map((name) => constants.get(name));
    if (found.includes(undefined)) return undefined;
    const [scale, bias, mean, variance] = (found as OnnxTensor[]).map(floatsOf) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const { float: epsilon } = attributes.epsilon as { float: number };
    const factor = Float64Array.from(scale, (value, c) => value / Math.sqrt((variance[c] as number) + epsilon));
    const offset = Float64Array.from(bias, (value, c) => value - (mean[c] as number) * (factor[c] as number));
    return { of, factor, offset };
  }
  const at = values.findIndex((value) => value !== undefined);
  const added = values[at];
  if (op !== "Add" || added === undefined || values[1 - at] !== undefined) return undefined;
  return { of: inputs[1 - at] as string, offset: Float64Array.from(floatsOf(added)) };
}

/** The axis of the output channels in the weight of a convolution or a matrix product. */
export const channelAxis = ({ op, attributes }: OnnxNode): number => (op === "Conv" || attributes.transB === 1 ? 0 : 1);

/** Calls back with each element's channel. */
export function eachByChannel(
  { shape }: OnnxTensor,
  axis: number,
  visit: (element: number, channel: number) => void,
): void {
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const size = shape[axis] as number;
  const total = shape.reduce((product, each) => product * each, 1);
  for (let i = 0; i < total; i++) visit(i, Math.floor(i / inner) % size);
}

/**
 * Folds batch normalisation and biases into the convolution or linear layer before them, in float64, where nothing
 * else reads what that computes. Constants that nothing reads any more are left out.
 */
export function foldedNorms(graph: OnnxGraph): OnnxGraph {
  const readers = readersOf(graph.nodes);
  const constants = new Map(graph.constants);
  const layers = new Map<string, OnnxNode>();
  const nodes: OnnxNode[] = [];
  for (const node of graph.nodes) {
    const affine = affineOf(node, constants);
    const layer = affine && layers.get(affine.of);
    const folded = layer && affine && readers.get(affine.of)?.length === 1 && withAffine(layer, affine, constants);
    if (folded) {
      const [output = ""] = node.outputs;
      const moved = { ...folded, outputs: [output] };
      nodes[nodes.indexOf(layer)] = moved;
      layers.set(output, moved);
      continue;
    }
    nodes.push(node);
    const weight = constants.get(node.inputs[1] ?? "");
    if ((node.op === "Conv" || node.op === "Gemm") && weight !== undefined) layers.set(node.outputs[0] as string, node);
  }
  const read = readersOf(nodes);
  return { ...graph, nodes, constants: new Map([...constants].filter(([name]) => read.has(name))) };
}

/** A layer with other weights, which are new constants; undefined where the vector is not one of its channels. */
function withAffine(
  layer: OnnxNode,
  { factor, offset }: Affine,
  constants: Map<string, OnnxTensor>,
): OnnxNode | undefined {
  const [input = "", weightName = "", biasName] = layer.inputs;
  const weight = constants.get(weightName) as OnnxTensor;
  const axis = channelAxis(layer);
  const channels = weight.shape[axis] as number;
  if (offset.length !== channels) return undefined;
  const old = biasName === undefined ? undefined : floatsOf(constants.get(biasName) as OnnxTensor);
  const bias = Float32Array.from(offset, (value, c) => value + (old?.[c] ?? 0) * (factor?.[c] ?? 1));
  const [name] = layer.outputs;
  constants.set(`${name}/bias`, floatTensor(bias));
  if (factor === undefined) return { ...layer, inputs: [input, weightName, `${name}/bias`] };
  const values = Float32Array.from(floatsOf(weight));
  eachByChannel(weight, axis, (element, channel) => {
    values[element] = (values[element] as number) * (factor[channel] as number);
  });
  constants.set(`${name}/folded`, floatTensor(values, weight.shape));
  return { ...layer, inputs: [input, `${name}/folded`, `${name}/bias`] };
}
