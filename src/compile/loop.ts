import { DT } from "../runtime/native.js";
import type { Variable } from "../runtime/tf.js";
import {
  type GraphFunction,
  type GraphNode,
  intConstant,
  isControl,
  nodeOf,
  outputOf,
  placeholder,
  type Signature,
} from "./graph.js";
import { functionRef } from "./opOutputs.js";
import { assignments } from "./stepGraph.js";
import { FEED_TYPES, type RecordedStep } from "./trace.js";
import type { Entry, FeedSpec } from "./types.js";
import type { GraphVariables } from "./variables.js";

/** Name of the loop's feed that tells how many steps to take. */
export const COUNT_FEED = "steps";

/** What a loop over a recorded step adds to a graph. */
export interface Loop {
  readonly nodes: readonly GraphNode[];
  readonly functions: readonly GraphFunction[];
  readonly signature: Signature;
}

/** One value that goes around the loop. */
interface LoopValue {
  readonly name: string;
  readonly type: number;
}

interface LoopPlan {
  readonly prefix: string;
  readonly entry: Entry;
  readonly recorded: RecordedStep;
  /** Variables that the step touches, and their names as arguments. */
  readonly resources: ReadonlyMap<Variable, string>;
  readonly values: readonly LoopValue[];
}

const INDEX = "index";
const COUNT = "count";
const feedArgument = (name: string): string => `feed_${name}`;

function plan(prefix: string, entry: Entry, recorded: RecordedStep): LoopPlan {
  const touched = new Set([...recorded.reads.keys(), ...recorded.updates.map(([v]) => v)]);
  const resources = new Map(Array.from(touched, (variable, i) => [variable, `resource_${i}`]));
  const feeds = { ...entry.perStep, ...entry.shared };
  const values = [
    { name: INDEX, type: DT.int32 },
    { name: COUNT, type: DT.int32 },
    ...Object.entries(feeds).map(([name, { dtype }]) => ({
      name: feedArgument(name),
      type: FEED_TYPES[dtype],
    })),
    ...Array.from(resources.values(), (name) => ({ name, type: DT.resource })),
  ];
  return { prefix, entry, recorded, resources, values };
}

/** The part of the stacked feed that belongs to this step. */
const sliceNodes = (name: string, spec: FeedSpec): GraphNode => ({
  name: `slice_${name}`,
  op: "GatherV2",
  inputs: [feedArgument(name), INDEX, "zero:output:0"],
  attributes: {
    Tparams: { type: FEED_TYPES[spec.dtype] },
    Tindices: { type: DT.int32 },
    Taxis: { type: DT.int32 },
    batch_dims: { int: 0 },
  },
});

/** The loop's body: one step, then the index plus one. */
function bodyFunction(
  loop: LoopPlan,
  nodes: readonly GraphNode[],
  variables: GraphVariables,
): GraphFunction {
  const { prefix, entry, recorded, resources, values } = loop;
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const arguments_ = new Map<string, string>([
    ...Array.from(
      resources,
      ([variable, name]) => [variables.handles.get(variable), name] as [string, string],
    ),
    ...Object.entries(recorded.feeds).map(([name, node]): [string, string] => [
      node,
      name in entry.perStep ? `slice_${name}:output:0` : feedArgument(name),
    ]),
  ]);
  const translate = (ref: string): string => {
    if (isControl(ref)) return ref;
    const node = nodeOf(ref);
    const argument = arguments_.get(node);
    return argument ?? functionRef(byName.get(node) as GraphNode, outputOf(ref));
  };
  const assigns = assignments(prefix, recorded, variables.handles);
  const inner = [...nodes.filter((node) => node.op !== "Placeholder"), ...assigns];
  const next: GraphNode = {
    name: "next",
    op: "AddV2",
    inputs: [INDEX, "one:output:0"],
    attributes: { T: { type: DT.int32 } },
  };
  const done: GraphNode = {
    name: "done",
    op: "Identity",
    inputs: ["next:z:0", ...assigns.map((node) => `^${node.name}`)],
    attributes: { T: { type: DT.int32 } },
  };
  return {
    name: `${prefix}_body`,
    inputs: values.map(({ name, type }) => [name, type]),
    outputs: values.map(({ name, type }) => [
      `${name}_out`,
      type,
      name === INDEX ? "done:output:0" : name,
    ]),
    nodes: [
      intConstant("zero", 0),
      intConstant("one", 1),
      ...Object.entries(entry.perStep).map(([name, spec]) => sliceNodes(name, spec)),
      ...inner.map((node) => ({ ...node, inputs: node.inputs.map(translate) })),
      next,
      done,
    ],
    attributes: {},
  };
}

const conditionFunction = ({ prefix, values }: LoopPlan): GraphFunction => ({
  name: `${prefix}_condition`,
  inputs: values.map(({ name, type }) => [name, type]),
  outputs: [["go", DT.bool, "less:z:0"]],
  nodes: [
    { name: "less", op: "Less", inputs: [INDEX, COUNT], attributes: { T: { type: DT.int32 } } },
  ],
  attributes: {},
});

/** The function that XLA compiles as a whole. */
function loopFunction({ prefix, values }: LoopPlan): GraphFunction {
  const outer = values.filter(({ name }) => name !== INDEX);
  const loop: GraphNode = {
    name: "loop",
    op: "While",
    inputs: ["start:output:0", ...outer.map(({ name }) => name)],
    attributes: {
      T: { types: values.map(({ type }) => type) },
      cond: { func: `${prefix}_condition` },
      body: { func: `${prefix}_body` },
      output_shapes: { shapes: [] },
      parallel_iterations: { int: 10 },
    },
  };
  return {
    name: `${prefix}_loop`,
    inputs: outer.map(({ name, type }) => [name, type]),
    outputs: [["finished", DT.int32, "loop:output:0"]],
    nodes: [intConstant("start", 0), loop],
    attributes: { _XlaMustCompile: { bool: true } },
  };
}

/**
 * Many steps as one XLA program: a While whose body is the recorded step. Per-step feeds are stacked along a new first
 * axis of the entry's stepsPerCall; how many of them are used is a feed, so that one program serves every number.
 */
export function stepLoop(
  prefix: string,
  entry: Entry,
  recorded: RecordedStep,
  variables: GraphVariables,
  nodes: readonly GraphNode[],
): Loop {
  const loop = plan(prefix, entry, recorded);
  const feeds = loopFeeds(entry);
  const ports = Object.entries(feeds).map(([name, spec]) => ({
    name,
    node: placeholder(`${prefix}/loop/${name}`, FEED_TYPES[spec.dtype], spec.shape),
    spec,
  }));
  const countFirst = [
    ...ports.filter(({ name }) => name === COUNT_FEED),
    ...ports.filter(({ name }) => name !== COUNT_FEED),
  ];
  const outer = loop.values.filter(({ name }) => name !== INDEX);
  const call: GraphNode = {
    name: `${prefix}/loop/call`,
    op: "StatefulPartitionedCall",
    inputs: [
      ...countFirst.map(({ node }) => node.name),
      ...Array.from(loop.resources.keys(), (variable) => variables.handles.get(variable) as string),
    ],
    attributes: {
      Tin: { types: outer.map(({ type }) => type) },
      Tout: { types: [DT.int32] },
      f: { func: `${prefix}_loop` },
      config: { string: "" },
      config_proto: { string: "" },
      executor_type: { string: "" },
      _XlaMustCompile: { bool: true },
    },
  };
  return {
    nodes: [...ports.map(({ node }) => node), call],
    functions: [bodyFunction(loop, nodes, variables), conditionFunction(loop), loopFunction(loop)],
    signature: {
      inputs: Object.fromEntries(
        ports.map(({ name, node, spec }) => [
          name,
          { tensor: `${node.name}:0`, dtype: FEED_TYPES[spec.dtype], shape: spec.shape },
        ]),
      ),
      outputs: { done: { tensor: `${call.name}:0`, dtype: DT.int32, shape: [] } },
    },
  };
}

/** Feeds of a call of the loop: the number of steps, per-step feeds stacked, shared ones as they are. */
export const loopFeeds = (entry: Entry): Record<string, FeedSpec> => ({
  [COUNT_FEED]: { shape: [], dtype: "int32" },
  ...Object.fromEntries(
    Object.entries(entry.perStep).map(([name, { shape, dtype }]) => [
      name,
      { shape: [entry.stepsPerCall, ...shape], dtype },
    ]),
  ),
  ...entry.shared,
});
