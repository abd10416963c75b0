import { DT } from "../../runtime/native.js";
import { type GraphFunction, type GraphNode, nodeOf } from "../graph/graph.js";
import type { Entry } from "../types.js";
import {
  type Argument,
  asFed,
  countArguments,
  feedArgument,
  feedArguments,
  INDEX,
  type LoopSource,
  resultArguments,
  TRAVEL,
  valueArguments,
} from "./arguments.js";
import { bodyFunction, conditionFunction, partNode } from "./functions.js";
import { type LoopParts, withInputs } from "./parts.js";

/** The values that steps look at or change, not those that only the computation ahead of them reads. */
function valuesOfSteps(parts: LoopParts): ReturnType<typeof valueArguments> {
  const read = new Set(parts.body.flatMap(({ inputs }) => inputs.map(nodeOf)));
  return valueArguments(parts).filter(
    ([{ name, next }]) => parts.ahead === undefined || next !== undefined || read.has(name),
  );
}

/** Arguments of the loop whose rounds are steps. */
export const roundArguments = (source: LoopSource): Argument[] => [
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
  const fed = Object.keys(entry.perStep).map(
    (name) => [feeds[name] as string, arrivalOf(name, entry)] as const,
  );
  const shared = Object.keys(entry.shared).map(
    (name) => [feeds[name] as string, asFed(name, feedArgument(name), entry)] as const,
  );
  const ahead = resultArguments(parts).map(
    ([{ name }, own]) => [name, [partNode(`slice_${own.name}`, own.name, DT.float)]] as const,
  );
  return new Map<string, Arrival>([...fed, ...shared, ...ahead]);
}

/** The functions of the loop whose rounds are steps. @param limit how many rounds; an argument says so where undefined */
export function roundFunctions(source: LoopSource, limit: number | undefined): GraphFunction[] {
  const { prefix, entry, parts, feeds } = source;
  const given = arrivals(source);
  const values = valuesOfSteps(parts);
  const names = new Map([
    ...Object.keys(entry.shared).map(
      (name) => [feeds[name] as string, feedArgument(name)] as const,
    ),
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
  const nodes = [
    ...[...given.values()].flat(),
    ...parts.body.map((node) => withInputs(node, names)),
  ];
  return [
    bodyFunction(prefix, arguments_, nodes, new Map(next)),
    conditionFunction(prefix, arguments_, limit),
  ];
}
