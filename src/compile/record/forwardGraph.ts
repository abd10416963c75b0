import { DT } from "../../runtime/native.js";
import { type Tensor, tf, type Variable } from "../../runtime/tf.js";
import { constNode, type GraphNode, type GraphPort, plainRef, type Signature } from "../graph/graph.js";
import { useStandardOps } from "../passes/standardOps.js";
import type { FeedSpec, Feeds } from "../types.js";
import type { RecordedStep } from "./recordedStep.js";
import { type Handles, recordStep } from "./trace.js";

interface RecordedOutputs {
  /** The results are its updates, in order. */
  readonly step: RecordedStep;
  /** Their names and shapes, in that order. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** Records a pure computation of float32 results from variables of `handles`. @throws TraceError as recordStep does */
export function recordOutputs(
  prefix: string,
  specs: Readonly<Record<string, FeedSpec>>,
  compute: (feeds: Feeds) => Readonly<Record<string, Tensor>>,
  handles: Handles,
): RecordedOutputs {
  const shapes = new Map<string, readonly number[]>();
  // A step has no results but new values of variables: a temporary variable takes each one.
  const targets: Variable[] = [];
  const all = new Map(handles);
  const step = (feeds: Feeds) =>
    Object.entries(compute(feeds)).map(([name, value]) => {
      const target = tf.tidy(() => tf.variable(tf.zeros(value.shape), false));
      targets.push(target);
      all.set(target, "");
      shapes.set(name, value.shape);
      return [target, value] as const;
    });
  try {
    const entry = { step, perStep: specs, shared: {}, stepsPerCall: 1 };
    return { step: recordStep(prefix, entry, all), shapes };
  } finally {
    tf.dispose(targets);
  }
}

/** A computation from one float32 batch to named outputs, with fixed weights. */
export interface ForwardDescription<Name extends string = string> {
  /** Prefix of all nodes but the weights. */
  readonly prefix: string;
  /** Shape of one input, without the batch axis. */
  readonly inputShape: readonly number[];
  /** Every variable that is read, and the name of its constant. */
  readonly weights: ReadonlyMap<Variable, string>;
  readonly outputNames: readonly Name[];
  /** Outputs of a batch, float32, each with the batch axis first. */
  outputs(batch: Tensor): Readonly<Record<Name, Tensor>>;
}

/** A recorded computation for batches of any size. */
export interface ForwardGraph {
  readonly nodes: readonly GraphNode[];
  readonly input: GraphPort;
  readonly outputs: Signature["outputs"];
}

/** TensorFlow's notation of a dynamic axis. */
export const ANY_SIZE = -1;
/** Batch of the recording; no node depends on it. */
const RECORDED_BATCH = 2;
const INPUT = "batch";

/** A computation as a graph with constant weights and a dynamic batch size. @throws TraceError as recordStep does */
export function recordForward(description: ForwardDescription): ForwardGraph {
  const { prefix, inputShape, weights } = description;
  const { recorded, outputs } = recordNamed(description);
  const input = `${prefix}/feed/${INPUT}`;
  const shape = [ANY_SIZE, ...inputShape];
  const opened = useStandardOps(recorded).nodes.map((node) =>
    node.name === input ? { ...node, attributes: { ...node.attributes, shape: { shape } } } : node,
  );
  return {
    nodes: embedWeights(opened, recorded.reads, weights),
    input: { tensor: `${input}:0`, dtype: DT.float, shape },
    outputs,
  };
}

function recordNamed({ prefix, inputShape, weights, outputNames, outputs }: ForwardDescription): {
  recorded: RecordedStep;
  outputs: Signature["outputs"];
} {
  const { step, shapes } = recordOutputs(
    prefix,
    { [INPUT]: { shape: [RECORDED_BATCH, ...inputShape], dtype: "float32" } },
    (feeds) => {
      const results = outputs(feeds[INPUT] as Tensor);
      return Object.fromEntries(outputNames.map((name) => [name, results[name] as Tensor]));
    },
    weights,
  );
  const ports = Array.from(shapes, ([name, [, ...rest]], i): [string, GraphPort] => [
    name,
    { tensor: withOutput(step.updates[i]?.[1] as string), dtype: DT.float, shape: [ANY_SIZE, ...rest] },
  ]);
  return { recorded: step, outputs: Object.fromEntries(ports) };
}

/** Signatures need the output index: "node:0". */
const withOutput = (ref: string): string => (ref.includes(":") ? ref : `${ref}:0`);

function embedWeights(
  nodes: readonly GraphNode[],
  reads: RecordedStep["reads"],
  weights: ForwardDescription["weights"],
): GraphNode[] {
  const variables = new Map(Array.from(reads, ([variable, read]) => [read, variable]));
  const nameOf = (variable: Variable) => weights.get(variable) as string;
  const resolved = (ref: string): string => {
    const variable = variables.get(ref);
    return variable === undefined ? ref : nameOf(variable);
  };
  return nodes.map((node) => {
    const variable = variables.get(node.name);
    return variable === undefined
      ? { ...node, inputs: node.inputs.map(resolved) }
      : weightNode(nameOf(variable), variable);
  });
}

function weightNode(name: string, variable: Variable): GraphNode {
  const values = variable.dataSync() as Float32Array;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return constNode(name, { dtype: DT.float, shape: variable.shape, bytes });
}

/** A copy of the computation under another prefix, with the same weights. @param source replaces the input */
export function repeatForward(
  graph: ForwardGraph,
  from: string,
  to: string,
  source: string,
): Pick<ForwardGraph, "nodes" | "outputs"> {
  const input = plainRef(graph.input.tensor);
  const moved = (ref: string): string => {
    if (ref === input) return source;
    return ref.startsWith(`${from}/`) ? to + ref.slice(from.length) : ref;
  };
  const own = graph.nodes.filter((node) => node.name.startsWith(`${from}/`) && node.name !== input);
  return {
    nodes: own.map((node) => ({ ...node, name: moved(node.name), inputs: node.inputs.map(moved) })),
    outputs: Object.fromEntries(
      Object.entries(graph.outputs).map(([name, port]) => [name, { ...port, tensor: moved(port.tensor) }]),
    ),
  };
}
