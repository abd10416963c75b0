import { DT } from "../../runtime/native.js";
import type { Variable } from "../../runtime/tf.js";
import {
  type GraphFunction,
  type GraphNode,
  type GraphPort,
  graphNode,
  intConstant,
  nodeOf,
  placeholder,
  type Signature,
} from "../graph/graph.js";
import { assignNode, doneNodes, donePort, type GraphVariables } from "../graph/variables.js";
import type { Entry, FeedSpec } from "../types.js";
import {
  type Argument,
  afterLoop,
  asFed,
  bodyFunction,
  COUNT,
  conditionFunction,
  countArguments,
  feedArgument,
  feedArguments,
  INDEX,
  int32Node,
  type LoopSource,
  partNode,
  reshaped,
  resultArguments,
  TRAVEL,
  translated,
  translator,
  valueArguments,
  whileNode,
} from "./functions.js";
import { type AheadParts, type LoopParts, withInputs } from "./parts.js";

/** The values that steps read or change, without those that only the computation ahead reads. */
function valuesOfSteps(parts: LoopParts): ReturnType<typeof valueArguments> {
  const read = new Set(parts.body.flatMap(({ inputs }) => inputs.map(nodeOf)));
  return valueArguments(parts).filter(
    ([{ name, next }]) => parts.ahead === undefined || next !== undefined || read.has(name),
  );
}

const iterationArguments = (source: LoopSource): Argument[] => [
  INDEX,
  ...countArguments(source),
  ...feedArguments(source),
  ...[...resultArguments(source.parts), ...valuesOfSteps(source.parts)].map(([, own]) => own),
];

/** Nodes that make an input of the step; the last is the input. */
type Arrival = readonly GraphNode[];

function arrivalOf(name: string, entry: Entry): Arrival {
  const part = partNode(`slice_${name}`, feedArgument(name), TRAVEL);
  return [part, ...asFed(name, part.name, entry)];
}

function arrivals({ entry, parts, feeds }: LoopSource): Map<string, Arrival> {
  const fed = Object.keys(entry.perStep).map((name) => [feeds[name] as string, arrivalOf(name, entry)] as const);
  const shared = Object.keys(entry.shared).map(
    (name) => [feeds[name] as string, asFed(name, feedArgument(name), entry)] as const,
  );
  const ahead = resultArguments(parts).map(
    ([{ name }, own]) => [name, [partNode(`slice_${own.name}`, own.name, DT.float)]] as const,
  );
  return new Map<string, Arrival>([...fed, ...shared, ...ahead]);
}

/** The functions of the loop over steps. @param limit the static trip count; dynamic where undefined */
function iterationFunctions(source: LoopSource, limit: number | undefined): GraphFunction[] {
  const { prefix, entry, parts, feeds } = source;
  const given = arrivals(source);
  const values = valuesOfSteps(parts);
  const names = new Map([
    ...Object.keys(entry.shared).map((name) => [feeds[name] as string, feedArgument(name)] as const),
    ...Array.from(given).flatMap(([node, nodes]) => {
      const last = nodes.at(-1);
      return last === undefined ? [] : [[node, last.name] as const];
    }),
    ...values.map(([{ name }, own]) => [name, own.name] as const),
  ]);
  const next = values.flatMap(([value, own]) =>
    value.next === undefined ? [] : [[own.name, names.get(value.next) ?? value.next] as const],
  );
  const arguments_ = iterationArguments(source);
  const nodes = [...[...given.values()].flat(), ...parts.body.map((node) => withInputs(node, names))];
  return [bodyFunction(prefix, arguments_, nodes, new Map(next)), conditionFunction(prefix, arguments_, limit)];
}

const groupArguments = (source: LoopSource): Argument[] => [
  INDEX,
  ...countArguments(source),
  ...feedArguments(source),
  ...valueArguments(source.parts).map(([, own]) => own),
];

/** A group's slice of a stacked feed: [steps of a group, ...]; the last of the nodes. */
function groupFeed(name: string, { entry }: LoopSource, { iterations }: AheadParts): GraphNode[] {
  const { shape } = entry.perStep[name] as FeedSpec;
  const groups = [entry.stepsPerCall / iterations, iterations, ...shape];
  return [
    ...reshaped(`groups_${name}`, feedArgument(name), groups, TRAVEL),
    partNode(`group_${name}`, `groups_${name}`, TRAVEL),
  ];
}

/** The same with steps and batch as one axis, for the computation ahead. */
function flattenedFeed(name: string, { entry }: LoopSource, { iterations }: AheadParts): GraphNode[] {
  const [first = 1, ...rest] = (entry.perStep[name] as FeedSpec).shape;
  const shape = [iterations * first, ...rest];
  return [...reshaped(`joined_${name}`, `group_${name}`, shape, TRAVEL), ...asFed(name, `joined_${name}`, entry)];
}

/** The steps of a group with a dynamic trip count: the last of the nodes, "left". */
const leftNodes = (iterations: number): GraphNode[] => [
  intConstant("rounds", iterations),
  int32Node("start", "Mul", INDEX.name, "rounds"),
  int32Node("missing", "Sub", COUNT.name, "start"),
  int32Node("left", "Minimum", "missing", "rounds"),
];

/** A group's nodes: the computation ahead for all of its steps, and the loop over the steps. */
function groupNodes(source: LoopSource, ahead: AheadParts): GraphNode[] {
  const { prefix, entry, parts, iterations } = source;
  const joined = Object.entries(ahead.takes).map(([name, node]) => [node, flattenedFeed(name, source, ahead)] as const);
  const names = new Map<string, string>([
    ...joined.map(([node, nodes]) => [node, nodes.at(-1)?.name as string] as const),
    ...valueArguments(parts).map(([{ name }, own]) => [name, own.name] as const),
  ]);
  const results = resultArguments(parts).map(([{ ref, shape }, own]) => {
    return [own.name, reshaped(`steps_${own.name}`, ref, [ahead.iterations, ...shape])] as const;
  });
  const first = new Map<string, string>([
    [INDEX.name, "zero"],
    [COUNT.name, "left"],
    ...Object.keys(entry.perStep).map((name) => [feedArgument(name), `group_${name}`] as const),
    ...results.map(([name, nodes]) => [name, nodes.at(-1)?.name as string] as const),
  ]);
  return [
    ...Object.keys(entry.perStep).flatMap((name) => groupFeed(name, source, ahead)),
    ...joined.flatMap(([, nodes]) => nodes),
    ...[...ahead.nodes, ...results.flatMap(([, nodes]) => nodes)].map((node) => withInputs(node, names)),
    ...(iterations === undefined ? leftNodes(ahead.iterations) : []),
    whileNode(prefix, iterationArguments(source), first),
  ];
}

/** The functions of the loop over groups of steps. @param limit the number of groups; dynamic where undefined */
function groupFunctions(
  source: LoopSource,
  ahead: AheadParts,
  prefix: string,
  limit: number | undefined,
): GraphFunction[] {
  const arguments_ = groupArguments(source);
  const left = afterLoop(iterationArguments(source));
  const next = valueArguments(source.parts).flatMap(([value, own]) =>
    value.next === undefined ? [] : [[own.name, left.get(own.name) as string] as const],
  );
  return [
    bodyFunction(prefix, arguments_, groupNodes(source, ahead), new Map(next)),
    conditionFunction(prefix, arguments_, limit, ahead.iterations),
  ];
}

/** Name of the feed of a dynamic trip count. */
export const COUNT_FEED = "steps";

export interface Loop {
  readonly nodes: readonly GraphNode[];
  readonly functions: readonly GraphFunction[];
  readonly signature: Signature;
  /** What stages an input for the loop's next call. */
  readonly staging?: Signature;
}

/** Attributes of both ends of a staging area: a queue on the device. */
const stagingArea = (name: string): GraphNode["attributes"] => ({
  capacity: { int: 0 },
  memory_limit: { int: 0 },
  dtypes: { types: [TRAVEL] },
  container: { string: "" },
  shared_name: { string: name },
});

const unstage = (name: string): GraphNode => graphNode(name, "Unstage", [], stagingArea(name));

/** Name of the feed that holds the address of what is staged. */
export const ADDRESS_FEED = "address";

/** Brings host memory to the staging area of a name, by itself or while a call computes on what it had before. */
function staging(name: string, shape: readonly number[]): Pick<Loop, "signature" | "nodes"> {
  const [address, copy, put, done] = [`${name}/address`, `${name}/copy`, `${name}/put`, `${name}/done`];
  const nodes = [
    placeholder(address, DT.int32, [2]),
    graphNode(copy, "PefdHostMemory", [address], { shape: { ints: shape } }),
    graphNode(put, "Stage", [copy], stagingArea(name)),
    ...doneNodes(done, [put]),
  ];
  const inputs = { [ADDRESS_FEED]: { tensor: `${address}:0`, dtype: DT.int32, shape: [2] } };
  return { nodes, signature: { inputs, outputs: { staged: donePort(done).done as GraphPort } } };
}

/** Variables as arguments of the function that XLA compiles. */
function resourcesOf({ reads, updates }: LoopParts): Map<Variable, string> {
  const touched = new Set([...reads.values(), ...updates.map(([variable]) => variable)]);
  return new Map(Array.from(touched, (variable, i) => [variable, `resource_${i}`]));
}

const outerArguments = (source: LoopSource): Argument[] => [
  ...countArguments(source),
  ...feedArguments(source),
  ...Array.from(resourcesOf(source.parts).values(), (name) => ({ name, type: DT.resource })),
];

interface OuterLoop {
  readonly prefix: string;
  readonly arguments: readonly Argument[];
  readonly functions: readonly GraphFunction[];
}

/** The loop over steps; over groups of steps where something is computed ahead. */
function outerLoopOf(source: LoopSource): OuterLoop {
  const { prefix, parts, iterations } = source;
  const { ahead } = parts;
  if (ahead === undefined) {
    const functions = iterationFunctions(source, iterations);
    return { prefix, arguments: iterationArguments(source), functions };
  }
  const group = `${prefix}_group`;
  const limit = iterations === undefined ? undefined : iterations / ahead.iterations;
  const functions = [
    ...iterationFunctions(source, iterations === undefined ? undefined : ahead.iterations),
    ...groupFunctions(source, ahead, group, limit),
  ];
  return { prefix: group, arguments: groupArguments(source), functions };
}

/** The function that XLA compiles as a whole: reads the variables, runs the loop, assigns them. */
function loopFunction(source: LoopSource, outer: OuterLoop): GraphFunction {
  const { prefix, parts } = source;
  const resources = resourcesOf(parts);
  const reads = parts.before.map((node) => {
    const variable = parts.reads.get(node.name);
    const handle = variable && resources.get(variable);
    return handle === undefined ? node : { ...node, inputs: [handle] };
  });
  const values = valueArguments(parts);
  const loop = whileNode(
    outer.prefix,
    outer.arguments,
    new Map([[INDEX.name, "start"], ...values.map(([{ initial }, own]) => [own.name, initial] as const)]),
  );
  const left = afterLoop(outer.arguments);
  const names = new Map(values.map(([{ name }, own]) => [name, left.get(own.name) as string] as const));
  const assigns = parts.updates.map(([variable, ref], i) =>
    assignNode(`assign_${i}`, resources.get(variable) as string, names.get(ref) ?? ref, []),
  );
  const nodes = [
    intConstant("start", 0),
    ...reads,
    loop,
    ...parts.after.map((node) => withInputs(node, names)),
    ...assigns,
  ];
  const given = outerArguments(source);
  const translate = translator(nodes, new Map(given.map(({ name }) => [name, name])));
  return {
    name: `${prefix}_loop`,
    inputs: given.map(({ name, type }) => [name, type]),
    outputs: [],
    nodes: translated(nodes, translate),
    attributes: { _XlaMustCompile: { bool: true } },
  };
}

/**
 * Many steps as one XLA program: a While over per-step feeds stacked along a new first axis. With a static trip count
 * nothing is read back between iterations; a dynamic one serves every number of steps.
 */
export function stepLoop(source: LoopSource, variables: GraphVariables): Loop {
  const { prefix, parts, entry } = source;
  const outer = outerLoopOf(source);
  const ports = Object.entries(loopFeeds(source)).map(([name, spec]) => ({
    name,
    node: (name === entry.staged ? unstage : placeholder)(`${prefix}/loop/${name}`, TRAVEL, spec.shape),
    spec,
  }));
  const fed = ports.filter(({ name }) => name !== entry.staged);
  const [staged] = ports
    .filter(({ name }) => name === entry.staged)
    .map(({ node, spec }) => staging(node.name, spec.shape));
  const done = `${prefix}/loop/done`;
  const call: GraphNode = graphNode(
    `${prefix}/loop/call`,
    "StatefulPartitionedCall",
    [
      ...ports.map(({ node }) => node.name),
      ...Array.from(resourcesOf(parts).keys(), (variable) => variables.handles.get(variable) as string),
    ],
    {
      Tin: { types: outerArguments(source).map(({ type }) => type) },
      Tout: { types: [] },
      f: { func: `${prefix}_loop` },
      config: { string: "" },
      config_proto: { string: "" },
      executor_type: { string: "" },
      _XlaMustCompile: { bool: true },
    },
  );
  return {
    nodes: [...(staged?.nodes ?? []), ...ports.map(({ node }) => node), call, ...doneNodes(done, [call.name])],
    functions: [...outer.functions, loopFunction(source, outer)],
    signature: {
      inputs: Object.fromEntries(
        fed.map(({ name, node, spec }) => [name, { tensor: `${node.name}:0`, dtype: TRAVEL, shape: spec.shape }]),
      ),
      outputs: donePort(done),
    },
    ...(staged && { staging: staged.signature }),
  };
}

/** Feeds of a call: a dynamic trip count, stacked per-step feeds, shared feeds. */
export const loopFeeds = ({
  entry,
  iterations,
}: Pick<LoopSource, "entry" | "iterations">): Record<string, FeedSpec> => ({
  ...(iterations === undefined && { [COUNT_FEED]: { shape: [], dtype: "int32" } }),
  ...Object.fromEntries(
    Object.entries(entry.perStep).map(([name, { shape, dtype }]) => [
      name,
      { shape: [entry.stepsPerCall, ...shape], dtype },
    ]),
  ),
  ...entry.shared,
});
