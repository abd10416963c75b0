import { constNode, type Graph, type GraphNode, placeholder } from "../compile/graph/graph.js";
import { withHiddenConstants } from "../compile/passes/opaqueConstants.js";
import {
  ANY_SIZE,
  type ForwardGraph,
  recordForward,
  repeatForward,
} from "../compile/record/forwardGraph.js";
import type { Normalization } from "../data/normalize.js";
import type { EvaluatedStudent } from "../learn/learner.js";
import type { Model } from "../nn/model.js";
import { DT } from "../runtime/native.js";
import { type Tensor4D, tf, type Variable } from "../runtime/tf.js";

/** Takes float32 images that are normalised already; what programs run when no signature is named. */
export const NORMALIZED_SIGNATURE = "serving_default";
/** Takes images as files hold them: uint8, red, green and blue interleaved. */
export const RAW_SIGNATURE = "serving_uint8";

const NORMALIZED = "normalized";
const RAW = "raw";
const INPUT = "images";

/** What is served: a model, or a student as its method evaluates it, with all tensors that it reads. */
export type Served = Pick<Model, "state"> & Pick<EvaluatedStudent, "forward">;

/**
 * A model's evaluation mode as a graph with its weights in it. Both signatures take `images` [N, side, side, 3] and
 * give `logits` [N, classes], `probabilities` [N, classes] and `features` [N, featureSize].
 */
export function servingGraph(model: Served, side: number, normalization: Normalization): Graph {
  const shape = [side, side, 3];
  const graph = recordModel(model, shape);
  const raw = normalizingNodes([ANY_SIZE, ...shape], normalization);
  const repeated = repeatForward(graph, NORMALIZED, RAW, raw.output);
  const rawInput = { tensor: `${raw.input}:0`, dtype: DT.uint8, shape: [ANY_SIZE, ...shape] };
  return {
    nodes: [...graph.nodes, ...raw.nodes, ...repeated.nodes],
    functions: [],
    signatures: {
      [NORMALIZED_SIGNATURE]: { inputs: { [INPUT]: graph.input }, outputs: graph.outputs },
      [RAW_SIGNATURE]: { inputs: { [INPUT]: rawInput }, outputs: repeated.outputs },
    },
  };
}

function recordModel(model: Served, inputShape: readonly number[]): ForwardGraph {
  const weights = new Map<Variable, string>(
    model.state.flatMap(({ name, variable }) =>
      variable === undefined ? [] : [[variable, `weights/${name}`] as const],
    ),
  );
  return recordForward({
    prefix: NORMALIZED,
    inputShape,
    weights,
    outputNames: ["logits", "probabilities", "features"],
    outputs: (images) => {
      const output = model.forward(images as Tensor4D, { training: false, updates: [] });
      return {
        logits: output.logits,
        probabilities: tf.softmax(output.logits),
        features: output.pooled,
      };
    },
  });
}

const floatType = { T: { type: DT.float } };

/** (pixel / 255 - mean) / deviation, rounded after each operation as data/normalize.ts does. */
function normalizingNodes(
  shape: readonly number[],
  normalization: Normalization,
): { nodes: GraphNode[]; input: string; output: string } {
  const input = `${RAW}/${INPUT}`;
  const [scale, mean, deviation] = [
    floats(`${RAW}/full_scale`, [255]),
    floats(`${RAW}/mean`, normalization.mean),
    floats(`${RAW}/deviation`, normalization.deviation),
  ] as const;
  const pixels: GraphNode = {
    name: `${RAW}/pixels`,
    op: "Cast",
    inputs: [input],
    attributes: { SrcT: { type: DT.uint8 }, DstT: { type: DT.float }, Truncate: { bool: false } },
  };
  const operation = (name: string, op: string, inputs: readonly string[]): GraphNode => ({
    name: `${RAW}/${name}`,
    op,
    inputs,
    attributes: floatType,
  });
  const scaled = operation("scaled", "RealDiv", [pixels.name, scale.name]);
  const centered = operation("centered", "Sub", [scaled.name, mean.name]);
  const normalized = operation("normalized", "RealDiv", [centered.name, deviation.name]);
  return {
    nodes: [
      placeholder(input, DT.uint8, shape),
      ...withHiddenConstants([scale, mean, deviation]),
      pixels,
      scaled,
      centered,
      normalized,
    ],
    input,
    output: normalized.name,
  };
}

const floats = (name: string, values: readonly number[]): GraphNode =>
  constNode(name, {
    dtype: DT.float,
    shape: [values.length],
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  });
