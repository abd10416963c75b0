import { DT } from "../../runtime/native.js";
import { checkNodes, type Problems, shapesDiffer, type Tensors } from "../graph/checkNodes.js";
import { plainRef } from "../graph/graph.js";
import { problemsOfUpdates } from "../passes/checkGraph.js";
import type { AheadResult, LoopParts, LoopValue } from "./parts.js";

/** A value's first or next value must be there, of its type and shape. */
function problemsOfValue(
  { name, type }: LoopValue,
  ref: string,
  from: Tensors,
  shape: readonly number[] | undefined,
): Problems {
  const known = from.get(plainRef(ref));
  if (known === undefined) return [`${name} is to become ${ref}, which is not there`];
  return [
    ...((known.type ?? type) === type ? [] : [`${name} becomes ${ref} of type ${known.type}`]),
    ...(shapesDiffer(known.shape, shape)
      ? [`${name} becomes ${ref} of shape [${known.shape}]`]
      : []),
  ];
}

/** What is computed ahead must be there, and of as many rounds as it is for. */
function problemsOfResult(
  { name, ref, shape: [first = 1, ...rest] }: AheadResult,
  rounds: number,
  from: Tensors,
): Problems {
  const known = from.get(plainRef(ref));
  if (known === undefined) return [`${name} is to be ${ref}, which is not there`];
  return shapesDiffer(known.shape, [rounds * first, ...rest])
    ? [`${name} is a part of ${ref} of shape [${known.shape}]`]
    : [];
}

/** What is wrong with the parts of a loop, one sentence each. */
export function problemsOfParts(parts: LoopParts): Problems {
  const { reads, feeds, ahead, before, values, body, after, updates } = parts;
  const early: Tensors = new Map(
    Array.from(reads.keys(), (name) => [`${name}/handle`, { type: DT.resource }]),
  );
  // Handles of variables are put in when the loop is made.
  const withHandles = before.map((node) =>
    reads.has(node.name) ? { ...node, inputs: [`${node.name}/handle`] } : node,
  );
  const problems = checkNodes(withHandles, early);
  const shapes = new Map(
    values.map(({ name, initial }) => [name, early.get(plainRef(initial))?.shape]),
  );
  const inLoop = values.map(({ name, type }) => [name, { type, shape: shapes.get(name) }] as const);
  const inBody: Tensors = new Map(inLoop);
  for (const [name, shape] of feeds) inBody.set(name, { shape });
  const late: Tensors = new Map(inLoop);
  const inAhead: Tensors = new Map(inLoop);
  for (const [name, shape] of ahead?.feeds ?? []) inAhead.set(name, { shape });
  return [
    ...problems,
    ...checkNodes(ahead?.nodes ?? [], inAhead),
    ...(ahead?.results ?? []).flatMap((result) =>
      problemsOfResult(result, ahead?.rounds ?? 1, inAhead),
    ),
    ...checkNodes(body, inBody),
    ...checkNodes(after, late),
    ...values.flatMap((value) => [
      ...problemsOfValue(value, value.initial, early, undefined),
      ...(value.next === undefined
        ? []
        : problemsOfValue(value, value.next, inBody, shapes.get(value.name))),
    ]),
    ...problemsOfUpdates(updates, late),
  ];
}

/** @throws Error that says what is wrong with the parts of a loop, and after what */
export function checkParts(parts: LoopParts, after: string): void {
  const problems = problemsOfParts(parts);
  if (problems.length === 0) return;
  throw new Error([`A loop is damaged after ${after}:`, ...problems.slice(0, 20)].join("\n  "));
}
