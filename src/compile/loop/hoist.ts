import { opNamed } from "../../ops/ops.js";
import { DT } from "../../runtime/native.js";
import { dataOf, type GraphNode, isControl, nodeOf } from "../graph/graph.js";
import { invariantsOf, type LoopParts, type LoopValue } from "./parts.js";

/** Bytes of an element, by type. */
const WIDTHS: ReadonlyMap<number, number> = new Map([
  [DT.float, 4],
  [DT.bfloat16, 2],
  [DT.int32, 4],
  [DT.uint8, 1],
]);
const widthOf = (type: number): number => WIDTHS.get(type) ?? Number.POSITIVE_INFINITY;

/** Element type of a movable node's result. */
function resultType({ attributes }: GraphNode): number {
  const type = attributes.DstT ?? attributes.T;
  return type !== undefined && "type" in type ? type.type : -1;
}

/**
 * Takes what is the same in every round out of the loop, and out of what is computed ahead for several of them: a frozen weight's cast to bfloat16 is computed once per call
 * instead of once per step. Only what takes no more memory than what it is made of moves: bytes of images do not
 * become floats for the whole of a call.
 */
export function hoistInvariants(parts: LoopParts): LoopParts {
  const invariant = invariantsOf(parts);
  const rounds = [...(parts.ahead?.nodes ?? []), ...parts.body];
  const constants = new Map(
    rounds.filter(({ op }) => op === "Const").map((node) => [node.name, node]),
  );
  const before = new Map<string, GraphNode>();
  const values = new Map<string, LoopValue>();
  const outside = (name: string): string => `${name}/before`;
  for (const node of rounds) {
    const [first = "", ...rest] = dataOf(node).map(nodeOf);
    const source = invariant.get(first);
    const type = resultType(node);
    if (source === undefined || !opNamed(node.op)?.rearranges || node.inputs.some(isControl))
      continue;
    if (!rest.every((name) => constants.has(name)) || widthOf(type) > widthOf(source.type))
      continue;
    for (const name of rest) {
      before.set(name, { ...(constants.get(name) as GraphNode), name: outside(name) });
    }
    const inputs = [source.initial, ...rest.map(outside)];
    before.set(node.name, { ...node, name: outside(node.name), inputs });
    const value: LoopValue = { name: node.name, type, initial: outside(node.name) };
    values.set(node.name, value);
    invariant.set(node.name, value);
  }
  return withoutUnused({
    ...parts,
    before: [...parts.before, ...before.values()],
    values: [...parts.values, ...values.values()],
    ...(parts.ahead !== undefined && {
      ahead: { ...parts.ahead, nodes: parts.ahead.nodes.filter(({ name }) => !values.has(name)) },
    }),
    body: parts.body.filter(({ name }) => !values.has(name)),
  });
}

/** Drops values that neither a round, nor what is ahead of it, nor the end looks at, and what only they needed. */
function withoutUnused(parts: LoopParts): LoopParts {
  const read = new Set(
    [
      ...[...(parts.ahead?.nodes ?? []), ...parts.body, ...parts.after].flatMap(
        ({ inputs }) => inputs,
      ),
      ...parts.updates.map(([, ref]) => ref),
      ...parts.values.flatMap(({ next }) => next ?? []),
    ].map(nodeOf),
  );
  const values = parts.values.filter(({ name, next }) => next !== undefined || read.has(name));
  const needed = new Set(values.map(({ initial }) => nodeOf(initial)));
  const before: GraphNode[] = [];
  for (const node of parts.before.toReversed()) {
    if (!needed.has(node.name)) continue;
    for (const ref of node.inputs) needed.add(nodeOf(ref));
    before.push(node);
  }
  return { ...parts, values, before: before.reverse() };
}
