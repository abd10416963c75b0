import { DT } from "../../runtime/native.js";
import type { Variable } from "../../runtime/tf.js";
import {
  type GraphFunction,
  type GraphNode,
  intConstant,
  placeholder,
  type Signature,
} from "../graph/graph.js";
import { assignNode, doneNodes, donePort, type GraphVariables } from "../graph/variables.js";
import type { FeedSpec } from "../types.js";
import {
  type Argument,
  countArguments,
  feedArguments,
  INDEX,
  type LoopSource,
  TRAVEL,
  valueArguments,
} from "./arguments.js";
import { afterLoop, translated, translator, whileNode } from "./functions.js";
import { groupArguments, groupFunctions } from "./groups.js";
import { type LoopParts, withInputs } from "./parts.js";
import { roundArguments, roundFunctions } from "./rounds.js";

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
interface Going {
  readonly prefix: string;
  readonly arguments: readonly Argument[];
  readonly functions: readonly GraphFunction[];
}

/** Rounds of steps; or, where something is computed ahead, of groups of steps. */
function goingOf(source: LoopSource): Going {
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
function loopFunction(source: LoopSource, going: Going): GraphFunction {
  const { prefix, parts } = source;
  const resources = resourcesOf(parts);
  const reads = parts.before.map((node) => {
    const variable = parts.reads.get(node.name);
    const handle = variable && resources.get(variable);
    return handle === undefined ? node : { ...node, inputs: [handle] };
  });
  const values = valueArguments(parts);
  const loop = whileNode(
    going.prefix,
    going.arguments,
    new Map([
      [INDEX.name, "start"],
      ...values.map(([{ initial }, own]) => [own.name, initial] as const),
    ]),
  );
  const left = afterLoop(going.arguments);
  const names = new Map(
    values.map(([{ name }, own]) => [name, left.get(own.name) as string] as const),
  );
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
  const going = goingOf(source);
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
    functions: [...going.functions, loopFunction(source, going)],
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
