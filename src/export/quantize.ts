import { channelAxis, eachByChannel, floatsOf, floatTensor, readersOf } from "./onnxFold.js";
import { ONNX, type OnnxGraph, type OnnxNode, type OnnxTensor } from "./onnxModel.js";

/** What an activation is quantised to: values outside are clipped. */
export interface ActivationRange {
  readonly low: number;
  readonly high: number;
}

const INT8_MOST = 127;
const UINT8_MOST = 255;
/** Quantised biases have int32; half of its range is left to the sums. */
const BIAS_MOST = 2 ** 30;

/** What runtimes fuse with the layer before it: its result is quantised, and not what it reads. */
const FUSED = new Set(["Relu", "Clip"]);
const LAYERS = new Set(["Conv", "Gemm", "MatMul"]);
/** With integer kernels of their own if all that they read and compute is quantised. */
const JOINS = new Set(["Add", "Concat"]);

/** Layers with constant weights; the last, the classifier, computes in float32. */
function layersOf({ nodes, constants }: OnnxGraph): {
  readonly inner: readonly OnnxNode[];
  readonly last: OnnxNode | undefined;
} {
  const layers = nodes.filter(({ op, inputs }) => LAYERS.has(op) && constants.has(inputs[1] ?? ""));
  return { inner: layers.slice(0, -1), last: layers.at(-1) };
}

/**
 * Names of the activations that are quantised: what inner layers and residual sums read and compute, after a ReLU that
 * follows. What the first layer reads, the image, is not, so that this layer computes in float32.
 * @param graph with folded batch normalisation
 */
export function quantizedActivations(graph: OnnxGraph): string[] {
  const { nodes, constants } = graph;
  const { inner } = layersOf(graph);
  const readers = readersOf(nodes);
  const found = new Set<string>();
  const add = (name: string) => {
    const [reader, ...others] = readers.get(name) ?? [];
    const isFused = reader !== undefined && others.length === 0 && FUSED.has(reader.op);
    found.add(isFused ? (reader.outputs[0] as string) : name);
  };
  const joins = nodes.filter((node) => JOINS.has(node.op) && !node.inputs.some((input) => constants.has(input)));
  for (const node of joins) for (const name of [...node.inputs, ...node.outputs]) add(name);
  for (const node of inner) for (const name of [node.inputs[0], ...node.outputs]) add(name as string);
  return [...found].filter((name) => name !== inner[0]?.inputs[0]);
}

const uint8Of = ({ low, high }: ActivationRange): { scale: number; zero: number } => {
  const [from, to] = [Math.min(0, low), Math.max(0, high)];
  const scale = Math.fround((to - from) / UINT8_MOST || 1);
  return { scale, zero: Math.round(-from / scale) };
};

/** Per output channel the float32 scale of symmetric int8 weights; large enough for the bias in int32. */
function weightScales(
  weight: OnnxTensor,
  axis: number,
  bias: Float32Array | undefined,
  inputScale: number,
): Float32Array {
  const values = floatsOf(weight);
  const largest = new Float64Array(weight.shape[axis] as number);
  eachByChannel(weight, axis, (element, channel) => {
    largest[channel] = Math.max(largest[channel] as number, Math.abs(values[element] as number));
  });
  return Float32Array.from(largest, (value, c) => {
    const least = Math.abs(bias?.[c] ?? 0) / inputScale / BIAS_MOST;
    return Math.max(value / INT8_MOST, least) || 1;
  });
}

/**
 * A graph with quantise and dequantise nodes (QDQ), which ONNX Runtime and others turn into integer kernels: uint8
 * activations with a zero point, int8 weights with a scale per output channel, int32 biases. The classifier's weights
 * are int8, its activations float32; so is a layer whose input has no range.
 * @param graph with folded batch normalisation
 * @param ranges of quantizedActivations
 */
export function quantizedGraph(graph: OnnxGraph, ranges: ReadonlyMap<string, ActivationRange>): OnnxGraph {
  const constants = new Map(graph.constants);
  const { inner, last } = layersOf(graph);
  const isInner = new Set(inner);
  const nodes: OnnxNode[] = [];
  const dequantized = (name: string, inputs: readonly string[], axis?: number): string => {
    const output = `${name}/float`;
    nodes.push({ op: "DequantizeLinear", inputs, outputs: [output], attributes: axis === undefined ? {} : { axis } });
    return output;
  };
  const weightOf = (node: OnnxNode, inputScale: number | undefined): string[] => {
    const [, name = "", biasName] = node.inputs;
    const weight = constants.get(name) as OnnxTensor;
    const bias = biasName === undefined ? undefined : floatsOf(constants.get(biasName) as OnnxTensor);
    const axis = channelAxis(node);
    const scales = weightScales(weight, axis, bias, inputScale ?? 1);
    const values = floatsOf(weight);
    const bytes = new Int8Array(values.length);
    eachByChannel(weight, axis, (element, channel) => {
      bytes[element] = Math.round((values[element] as number) / (scales[channel] as number));
    });
    const [output = ""] = node.outputs;
    const [own, scale] = [`${output}/weight`, `${output}/weight_scale`];
    constants.set(own, { type: ONNX.int8, shape: weight.shape, bytes: new Uint8Array(bytes.buffer) });
    constants.set(scale, floatTensor(scales));
    const weights = dequantized(own, [own, scale], axis);
    if (bias === undefined || inputScale === undefined) return [weights, ...(biasName === undefined ? [] : [biasName])];
    const biasScales = scales.map((value) => value * inputScale);
    const whole = Int32Array.from(bias, (value, c) => Math.round(value / (biasScales[c] as number)));
    const [ownBias, biasScale] = [`${output}/bias_int32`, `${output}/bias_scale`];
    constants.set(ownBias, { type: ONNX.int32, shape: [whole.length], bytes: new Uint8Array(whole.buffer) });
    constants.set(biasScale, floatTensor(biasScales));
    return [weights, dequantized(ownBias, [ownBias, biasScale], 0)];
  };
  for (const node of graph.nodes) {
    const [first = "", ...others] = node.inputs;
    const range = ranges.get(first);
    const moved = (name: string) => (ranges.has(name) ? `${name}/float` : name);
    const isInteger = isInner.has(node) && range !== undefined;
    const rest =
      isInteger || node === last ? weightOf(node, isInteger ? uint8Of(range).scale : undefined) : others.map(moved);
    nodes.push({ ...node, inputs: [moved(first), ...rest] });
    for (const output of node.outputs) {
      const own = ranges.get(output);
      if (own === undefined) continue;
      const { scale, zero } = uint8Of(own);
      const parameters = [`${output}/scale`, `${output}/zero`] as const;
      constants.set(parameters[0], floatTensor([scale], []));
      constants.set(parameters[1], { type: ONNX.uint8, shape: [], bytes: Uint8Array.of(zero) });
      const quantized = `${output}/uint8`;
      nodes.push({ op: "QuantizeLinear", inputs: [output, ...parameters], outputs: [quantized], attributes: {} });
      dequantized(output, [quantized, ...parameters]);
    }
  }
  const read = readersOf(nodes);
  return { ...graph, nodes, constants: new Map([...constants].filter(([name]) => read.has(name))) };
}
