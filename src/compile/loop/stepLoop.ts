import { DT } from "../../runtime/native.js";
import type { Variable } from "../../runtime/tf.js";
import { functionRef } from "../graph/functionRef.js";
import {
  bitcastNode,
  type GraphFunction,
  type GraphNode,
  intConstant,
  isControl,
  nodeOf,
  outputOf,
  placeholder,
  type Signature,
} from "../graph/graph.js";
import { assignNode, doneNodes, donePort, type GraphVariables } from "../graph/variables.js";
import { FEED_TYPES } from "../record/trace.js";
import type { Entry, FeedSpec } from "../types.js";
import type { LoopParts } from "./parts.js";

/** Name of the feed that tells a loop how many steps to take, where that is not part of the program. */
export const COUNT_FEED = "steps";

/** What a loop over a recorded step adds to a graph. */
export interface Loop {
  readonly nodes: readonly GraphNode[];
  readonly functions: readonly GraphFunction[];
  readonly signature: Signature;
}

/** What a loop is made of. */
export interface LoopSource {
  /** Begins the names of its functions and nodes; a word. */
  readonly prefix: string;
  readonly entry: Entry;
  readonly parts: LoopParts;
  /** Placeholder of each feed in the step. */
  readonly feeds: Readonly<Record<string, string>>;
  /** Rounds of every call; fed to each call where undefined. */
  readonly rounds?: number;
}

/** A tensor that goes around the loop, under its name as an argument of the functions. */
interface Argument {
  readonly name: string;
  readonly type: number;
}

const INDEX: Argument = { name: "index", type: DT.int32 };
const COUNT: Argument = { name: "count", type: DT.int32 };
const feedArgument = (name: string): string => `feed_${name}`;
const valueArgument = (index: number): string => `value_${index}`;

/**
 * All feeds travel as int32, floats by their bits. TensorFlow.js lays floats on a GPU and brings them back before they
 * are fed; integers stay on the host until the call takes them.
 */
const TRAVEL = DT.int32;

const feedArguments = ({ entry }: LoopSource): Argument[] =>
  Object.keys({ ...entry.perStep, ...entry.shared }).map((name) => ({
    name: feedArgument(name),
    type: TRAVEL,
  }));

/** Arguments of the loop's body and condition. */
const loopArguments = (source: LoopSource): Argument[] => [
  INDEX,
  ...(source.rounds === undefined ? [COUNT] : []),
  ...feedArguments(source),
  ...source.parts.values.map(({ type }, i) => ({ name: valueArgument(i), type })),
];

/** References inside of a function: to other nodes of it, and to what has another name there. */
function translator(
  nodes: readonly GraphNode[],
  renamed: ReadonlyMap<string, string>,
): (ref: string) => string {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return (ref) => {
    if (isControl(ref)) return ref;
    const other = renamed.get(nodeOf(ref));
    if (other !== undefined) return other;
    const node = byName.get(nodeOf(ref));
    if (node === undefined) throw new Error(`The loop has no node for ${ref}.`);
    return functionRef(node, outputOf(ref));
  };
}

const translated = (nodes: readonly GraphNode[], translate: (ref: string) => string): GraphNode[] =>
  nodes.map((node) => ({ ...node, inputs: node.inputs.map(translate) }));

/** The part of the stacked feed that belongs to this step. */
const sliceNode = (name: string): GraphNode => ({
  name: `slice_${name}`,
  op: "GatherV2",
  inputs: [feedArgument(name), INDEX.name, "zero:output:0"],
  attributes: {
    Tparams: { type: TRAVEL },
    Tindices: { type: DT.int32 },
    Taxis: { type: DT.int32 },
    batch_dims: { int: 0 },
  },
});

/** A feed as the step has it, and the nodes of a round that make it so. */
function arrival(name: string, { perStep, shared }: Entry): { nodes: GraphNode[]; ref: string } {
  const slice = name in perStep ? [sliceNode(name)] : [];
  const travelled = slice.length > 0 ? `slice_${name}:output:0` : feedArgument(name);
  const type = FEED_TYPES[({ ...perStep, ...shared }[name] as FeedSpec).dtype];
  if (type === TRAVEL) return { nodes: slice, ref: travelled };
  const bits = bitcastNode(`bits_${name}`, travelled, TRAVEL, type);
  return { nodes: [...slice, bits], ref: `${bits.name}:output:0` };
}

/** The loop's body: one step, then the index plus one. */
function bodyFunction(source: LoopSource): GraphFunction {
  const { prefix, entry, parts, feeds } = source;
  const arrivals = Object.entries(feeds).map(([name, node]) => ({ node, ...arrival(name, entry) }));
  const translate = translator(
    parts.body,
    new Map([
      ...parts.values.map(({ name }, i): [string, string] => [name, valueArgument(i)]),
      ...arrivals.map(({ node, ref }): [string, string] => [node, ref]),
    ]),
  );
  const next = new Map<string, string>([[INDEX.name, "next:z:0"]]);
  parts.values.forEach((value, i) => {
    if (value.next !== undefined) next.set(valueArgument(i), translate(value.next));
  });
  const arguments_ = loopArguments(source);
  return {
    name: `${prefix}_body`,
    inputs: arguments_.map(({ name, type }) => [name, type]),
    outputs: arguments_.map(({ name, type }) => [`${name}_out`, type, next.get(name) ?? name]),
    nodes: [
      intConstant("zero", 0),
      intConstant("one", 1),
      ...arrivals.flatMap(({ nodes }) => nodes),
      ...translated(parts.body, translate),
      {
        name: "next",
        op: "AddV2",
        inputs: [INDEX.name, "one:output:0"],
        attributes: { T: { type: DT.int32 } },
      },
    ],
    attributes: {},
  };
}

function conditionFunction(source: LoopSource): GraphFunction {
  const { prefix, rounds } = source;
  const last = rounds === undefined ? COUNT.name : "rounds:output:0";
  return {
    name: `${prefix}_condition`,
    inputs: loopArguments(source).map(({ name, type }) => [name, type]),
    outputs: [["go", DT.bool, "less:z:0"]],
    nodes: [
      ...(rounds === undefined ? [] : [intConstant("rounds", rounds)]),
      {
        name: "less",
        op: "Less",
        inputs: [INDEX.name, last],
        attributes: { T: { type: DT.int32 } },
      },
    ],
    attributes: {},
  };
}

/** Variables as arguments of the function that XLA compiles. */
function resourcesOf({ reads, updates }: LoopParts): Map<Variable, string> {
  const touched = new Set([...reads.values(), ...updates.map(([variable]) => variable)]);
  return new Map(Array.from(touched, (variable, i) => [variable, `resource_${i}`]));
}

/** Arguments of the function that XLA compiles: how many steps, feeds, variables. */
const outerArguments = (source: LoopSource): Argument[] => [
  ...(source.rounds === undefined ? [COUNT] : []),
  ...feedArguments(source),
  ...Array.from(resourcesOf(source.parts).values(), (name) => ({ name, type: DT.resource })),
];

/** The function that XLA compiles as a whole: reads the variables, goes round, assigns them. */
function loopFunction(source: LoopSource): GraphFunction {
  const { prefix, parts } = source;
  const resources = resourcesOf(parts);
  const reads = parts.before.map((node) => {
    const variable = parts.reads.get(node.name);
    const handle = variable && resources.get(variable);
    return handle === undefined ? node : { ...node, inputs: [handle] };
  });
  const arguments_ = loopArguments(source);
  const fromHandles = new Map(Array.from(resources.values(), (name) => [name, name]));
  const early = translator(parts.before, fromHandles);
  const initial = new Map(parts.values.map((value, i) => [valueArgument(i), early(value.initial)]));
  const loop: GraphNode = {
    name: "loop",
    op: "While",
    inputs: arguments_.map(({ name }) =>
      name === INDEX.name ? "start:output:0" : (initial.get(name) ?? name),
    ),
    attributes: {
      T: { types: arguments_.map(({ type }) => type) },
      cond: { func: `${prefix}_condition` },
      body: { func: `${prefix}_body` },
      output_shapes: { shapes: [] },
      parallel_iterations: { int: 10 },
    },
  };
  const positions = new Map(arguments_.map(({ name }, i) => [name, i]));
  const late = translator(
    parts.after,
    new Map(
      parts.values.map(({ name }, i) => [name, `loop:output:${positions.get(valueArgument(i))}`]),
    ),
  );
  const assigns = parts.updates.map(([variable, ref], i) =>
    assignNode(`assign_${i}`, resources.get(variable) as string, late(ref), []),
  );
  return {
    name: `${prefix}_loop`,
    inputs: outerArguments(source).map(({ name, type }) => [name, type]),
    outputs: [],
    nodes: [
      intConstant("start", 0),
      ...translated(reads, early),
      loop,
      ...translated(parts.after, late),
      ...assigns,
    ],
    attributes: { _XlaMustCompile: { bool: true } },
  };
}

/**
 * Many steps as one XLA program: a While whose body is the step. Per-step feeds are stacked along a new first axis of
 * the entry's stepsPerCall. Where the number of rounds is part of the program, nothing is read back between them;
 * where it is fed, one program serves every number.
 */
export function stepLoop(source: LoopSource, variables: GraphVariables): Loop {
  const { prefix, parts } = source;
  const ports = Object.entries(loopFeeds(source)).map(([name, spec]) => ({
    name,
    node: placeholder(`${prefix}/loop/${name}`, TRAVEL, spec.shape),
    spec,
  }));
  const done = `${prefix}/loop/done`;
  const call: GraphNode = {
    name: `${prefix}/loop/call`,
    op: "StatefulPartitionedCall",
    inputs: [
      ...ports.map(({ node }) => node.name),
      ...Array.from(
        resourcesOf(parts).keys(),
        (variable) => variables.handles.get(variable) as string,
      ),
    ],
    attributes: {
      Tin: { types: outerArguments(source).map(({ type }) => type) },
      Tout: { types: [] },
      f: { func: `${prefix}_loop` },
      config: { string: "" },
      config_proto: { string: "" },
      executor_type: { string: "" },
      _XlaMustCompile: { bool: true },
    },
  };
  return {
    nodes: [...ports.map(({ node }) => node), call, ...doneNodes(done, [call.name])],
    functions: [bodyFunction(source), conditionFunction(source), loopFunction(source)],
    signature: {
      inputs: Object.fromEntries(
        ports.map(({ name, node, spec }) => [
          name,
          { tensor: `${node.name}:0`, dtype: TRAVEL, shape: spec.shape },
        ]),
      ),
      outputs: donePort(done),
    },
  };
}

/** Feeds of a call: the number of steps where it is fed, per-step feeds stacked, shared ones as they are. */
export const loopFeeds = ({
  entry,
  rounds,
}: Pick<LoopSource, "entry" | "rounds">): Record<string, FeedSpec> => ({
  ...(rounds === undefined && { [COUNT_FEED]: { shape: [], dtype: "int32" } }),
  ...Object.fromEntries(
    Object.entries(entry.perStep).map(([name, { shape, dtype }]) => [
      name,
      { shape: [entry.stepsPerCall, ...shape], dtype },
    ]),
  ),
  ...entry.shared,
});
