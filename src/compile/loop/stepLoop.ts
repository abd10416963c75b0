import { DT } from "../../runtime/native.js";
import type { Variable } from "../../runtime/tf.js";
import {
  type GraphFunction,
  type GraphNode,
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
  type LoopSource,
  partNode,
  reshaped,
  resultArguments,
  TRAVEL,
  translated,
  translator,
  valueArguments,
  whileNode,
  wholeNode,
} from "./functions.js";
import { type AheadParts, type LoopParts, withInputs } from "./parts.js";

/** The values that steps look at or change, not those that only the computation ahead of them reads. */
function valuesOfSteps(parts: LoopParts): ReturnType<typeof valueArguments> {
  const read = new Set(parts.body.flatMap(({ inputs }) => inputs.map(nodeOf)));
  return valueArguments(parts).filter(
    ([{ name, next }]) => parts.ahead === undefined || next !== undefined || read.has(name),
  );
}

/** Arguments of the loop whose rounds are steps. */
const roundArguments = (source: LoopSource): Argument[] => [
  INDEX,
  ...countArguments(source),
  ...feedArguments(source),
  ...[...resultArguments(source.parts), ...valuesOfSteps(source.parts)].map(([, own]) => own),
];

/** Nodes of a round that make something as the step has it; the last is what the step has. */
type Arrival = readonly GraphNode[];

/** A feed that has another value in every step. */
function arrivalOf(name: string, entry: Entry): Arrival {
  const part = partNode(`slice_${name}`, feedArgument(name), TRAVEL);
  return [part, ...asFed(name, part.name, entry)];
}

/** What a round is given, by the name that the step has for it. */
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

/** The functions of the loop whose rounds are steps. @param limit how many rounds; an argument says so where undefined */
function roundFunctions(source: LoopSource, limit: number | undefined): GraphFunction[] {
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
  const arguments_ = roundArguments(source);
  const nodes = [...[...given.values()].flat(), ...parts.body.map((node) => withInputs(node, names))];
  return [bodyFunction(prefix, arguments_, nodes, new Map(next)), conditionFunction(prefix, arguments_, limit)];
}

/** Arguments of the loop whose rounds are groups of steps. */
const groupArguments = (source: LoopSource): Argument[] => [
  INDEX,
  ...countArguments(source),
  ...feedArguments(source),
  ...valueArguments(source.parts).map(([, own]) => own),
];

/** A group's part of a stacked feed: [steps of a group, ...]; the last of the nodes. */
function groupFeed(name: string, { entry }: LoopSource, { rounds }: AheadParts): GraphNode[] {
  const { shape } = entry.perStep[name] as FeedSpec;
  const groups = [entry.stepsPerCall / rounds, rounds, ...shape];
  return [
    ...reshaped(`groups_${name}`, feedArgument(name), groups, TRAVEL),
    partNode(`group_${name}`, `groups_${name}`, TRAVEL),
  ];
}

/** The same with the steps one after the other along the first axis, as the computation ahead takes it. */
function joinedFeed(name: string, { entry }: LoopSource, { rounds }: AheadParts): GraphNode[] {
  const [first = 1, ...rest] = (entry.perStep[name] as FeedSpec).shape;
  const shape = [rounds * first, ...rest];
  return [...reshaped(`joined_${name}`, `group_${name}`, shape, TRAVEL), ...asFed(name, `joined_${name}`, entry)];
}

/** How many steps a group has where the number of all is fed: the last of the nodes, "left". */
const leftNodes = (rounds: number): GraphNode[] => [
  intConstant("rounds", rounds),
  wholeNode("start", "Mul", INDEX.name, "rounds"),
  wholeNode("missing", "Sub", COUNT.name, "start"),
  wholeNode("left", "Minimum", "missing", "rounds"),
];

/** A group's nodes: what is computed ahead for all of its steps, and the loop of the steps. */
function groupNodes(source: LoopSource, ahead: AheadParts): GraphNode[] {
  const { prefix, entry, parts, rounds } = source;
  const joined = Object.entries(ahead.takes).map(([name, node]) => [node, joinedFeed(name, source, ahead)] as const);
  const names = new Map<string, string>([
    ...joined.map(([node, nodes]) => [node, nodes.at(-1)?.name as string] as const),
    ...valueArguments(parts).map(([{ name }, own]) => [name, own.name] as const),
  ]);
  const results = resultArguments(parts).map(([{ ref, shape }, own]) => {
    return [own.name, reshaped(`steps_${own.name}`, ref, [ahead.rounds, ...shape])] as const;
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
    ...(rounds === undefined ? leftNodes(ahead.rounds) : []),
    whileNode(prefix, roundArguments(source), first),
  ];
}

/**
 * The functions of the loop whose rounds are groups of steps.
 * @param prefix of their names
 * @param limit how many groups; an argument says so where undefined
 */
function groupFunctions(
  source: LoopSource,
  ahead: AheadParts,
  prefix: string,
  limit: number | undefined,
): GraphFunction[] {
  const arguments_ = groupArguments(source);
  const left = afterLoop(roundArguments(source));
  const next = valueArguments(source.parts).flatMap(([value, own]) =>
    value.next === undefined ? [] : [[own.name, left.get(own.name) as string] as const],
  );
  return [
    bodyFunction(prefix, arguments_, groupNodes(source, ahead), new Map(next)),
    conditionFunction(prefix, arguments_, limit, ahead.rounds),
  ];
}

/** Name of the feed that tells a loop how many steps to take, where that is not part of the program. */
export const COUNT_FEED = "steps";

/** What a loop over a recorded step adds to a graph. */
export interface Loop {
  readonly nodes: readonly GraphNode[];
  readonly functions: readonly GraphFunction[];
  readonly signature: Signature;
}

/** Variables as arguments of the function that XLA compiles. */
function resourcesOf({ reads, updates }: LoopParts): Map<Variable, string> {
  const touched = new Set([...reads.values(), ...updates.map(([variable]) => variable)]);
  return new Map(Array.from(touched, (variable, i) => [variable, `resource_${i}`]));
}

/** Arguments of the function that XLA compiles: how many steps, feeds, variables. */
const outerArguments = (source: LoopSource): Argument[] => [
  ...countArguments(source),
  ...feedArguments(source),
  ...Array.from(resourcesOf(source.parts).values(), (name) => ({ name, type: DT.resource })),
];

/** The loop that a call goes through: its arguments, the functions of it and of loops inside of it, their prefix. */
interface OuterLoop {
  readonly prefix: string;
  readonly arguments: readonly Argument[];
  readonly functions: readonly GraphFunction[];
}

/** Rounds of steps; or, where something is computed ahead, of groups of steps. */
function outerLoopOf(source: LoopSource): OuterLoop {
  const { prefix, parts, rounds } = source;
  const { ahead } = parts;
  if (ahead === undefined) {
    const functions = roundFunctions(source, rounds);
    return { prefix, arguments: roundArguments(source), functions };
  }
  const group = `${prefix}_group`;
  const limit = rounds === undefined ? undefined : rounds / ahead.rounds;
  const functions = [
    ...roundFunctions(source, rounds === undefined ? undefined : ahead.rounds),
    ...groupFunctions(source, ahead, group, limit),
  ];
  return { prefix: group, arguments: groupArguments(source), functions };
}

/** The function that XLA compiles as a whole: reads the variables, goes round, assigns them. */
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
 * Many steps as one XLA program: a While whose body is the step. Per-step feeds are stacked along a new first axis of
 * the entry's stepsPerCall. Where the number of rounds is part of the program, nothing is read back between them;
 * where it is fed, one program serves every number.
 */
export function stepLoop(source: LoopSource, variables: GraphVariables): Loop {
  const { prefix, parts } = source;
  const outer = outerLoopOf(source);
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
      ...Array.from(resourcesOf(parts).keys(), (variable) => variables.handles.get(variable) as string),
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
    functions: [...outer.functions, loopFunction(source, outer)],
    signature: {
      inputs: Object.fromEntries(
        ports.map(({ name, node, spec }) => [name, { tensor: `${node.name}:0`, dtype: TRAVEL, shape: spec.shape }]),
      ),
      outputs: donePort(done),
    },
  };
}

/** Feeds of a call: the number of steps where it is fed, per-step feeds stacked, shared ones as they are. */
export const loopFeeds = ({ entry, rounds }: Pick<LoopSource, "entry" | "rounds">): Record<string, FeedSpec> => ({
  ...(rounds === undefined && { [COUNT_FEED]: { shape: [], dtype: "int32" } }),
  ...Object.fromEntries(
    Object.entries(entry.perStep).map(([name, { shape, dtype }]) => [
      name,
      { shape: [entry.stepsPerCall, ...shape], dtype },
    ]),
  ),
  ...entry.shared,
});
