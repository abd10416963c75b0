import { type GraphFunction, type GraphNode, intConstant } from "../graph/graph.js";
import type { FeedSpec } from "../types.js";
import {
  type Argument,
  asFed,
  COUNT,
  countArguments,
  feedArgument,
  feedArguments,
  INDEX,
  type LoopSource,
  resultArguments,
  TRAVEL,
  valueArguments,
} from "./arguments.js";
import {
  afterLoop,
  bodyFunction,
  conditionFunction,
  partNode,
  whileNode,
  wholeNode,
} from "./functions.js";
import { type AheadParts, withInputs } from "./parts.js";
import { roundArguments } from "./rounds.js";
import { reshaped } from "./shaping.js";

/** Arguments of the loop whose rounds are groups of steps. */
export const groupArguments = (source: LoopSource): Argument[] => [
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
  return [
    ...reshaped(`joined_${name}`, `group_${name}`, shape, TRAVEL),
    ...asFed(name, `joined_${name}`, entry),
  ];
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
  const joined = Object.entries(ahead.takes).map(
    ([name, node]) => [node, joinedFeed(name, source, ahead)] as const,
  );
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
    ...[...ahead.nodes, ...results.flatMap(([, nodes]) => nodes)].map((node) =>
      withInputs(node, names),
    ),
    ...(rounds === undefined ? leftNodes(ahead.rounds) : []),
    whileNode(prefix, roundArguments(source), first),
  ];
}

/**
 * The functions of the loop whose rounds are groups of steps.
 * @param prefix of their names
 * @param limit how many groups; an argument says so where undefined
 */
export function groupFunctions(
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
