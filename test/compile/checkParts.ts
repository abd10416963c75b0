import { plainRef } from "#pefd/compile/graph/graph.js";
import type { AheadResult, LoopParts, LoopValue } from "#pefd/compile/loop/parts.js";
import type { RecordedStep } from "#pefd/compile/record/recordedStep.js";
import { DT } from "#pefd/runtime/native.js";
import { checkNodes, type Known, type Problems, shapesDiffer, type Tensors } from "./checkNodes.js";

/** Ops whose first input is the handle of a variable. */
const READS: ReadonlySet<string> = new Set(["ReadVariableOp", "ResourceGather"]);
const HANDLE = { type: DT.resource };

/** The handles of variables, which are outside of the step. */
function handlesOf({ nodes }: RecordedStep): Tensors {
  const reads = nodes.filter(({ op }) => READS.has(op));
  return new Map(reads.flatMap(({ inputs }) => inputs.slice(0, 1)).map((ref) => [ref, HANDLE]));
}

/** A new value must exist, in float32 and of its variable's shape. */
function problemsOfUpdates(updates: RecordedStep["updates"], tensors: ReadonlyMap<string, Known>): Problems {
  return updates.flatMap(([{ name, shape }, ref]) => {
    const value = tensors.get(plainRef(ref));
    if (value === undefined) return [`the new value of ${name}, ${ref}, is missing`];
    return [
      ...((value.type ?? DT.float) === DT.float ? [] : [`the new value of ${name} has type ${value.type}`]),
      ...(shapesDiffer(value.shape, shape)
        ? [`the new value of ${name} has shape [${value.shape}] instead of [${shape}]`]
        : []),
    ];
  });
}

/** Problems of a recorded step, one sentence each; none for a valid graph. */
export function problemsOf(step: RecordedStep): Problems {
  const { nodes, feeds, reads, updates } = step;
  const tensors = handlesOf(step);
  const problems = checkNodes(nodes, tensors);
  const ops = new Map(nodes.map(({ name, op }) => [name, op]));
  const expect = (what: string, name: string, op: string): Problems =>
    ops.get(name) === op ? [] : [`${what} is ${name}, which is no ${op}`];
  return [
    ...problems,
    ...Object.entries(feeds).flatMap(([name, node]) => expect(`the feed ${name}`, node, "Placeholder")),
    ...Array.from(reads).flatMap(([{ name }, node]) => expect(`the value of ${name}`, node, "ReadVariableOp")),
    ...problemsOfUpdates(updates, tensors),
  ];
}

/** @throws Error with the problems of a recorded step, and the pass that caused them */
export function checkGraph(step: RecordedStep, after = "recording"): void {
  const problems = problemsOf(step);
  if (problems.length === 0) return;
  throw new Error([`A graph is damaged after ${after}:`, ...problems.slice(0, 20)].join("\n  "));
}

/** A loop value's initial or next value must exist, of its type and shape. */
function problemsOfValue(
  { name, type }: LoopValue,
  ref: string,
  from: Tensors,
  shape: readonly number[] | undefined,
): Problems {
  const known = from.get(plainRef(ref));
  if (known === undefined) return [`${name} is to become ${ref}, which is missing`];
  return [
    ...((known.type ?? type) === type ? [] : [`${name} becomes ${ref} of type ${known.type}`]),
    ...(shapesDiffer(known.shape, shape) ? [`${name} becomes ${ref} of shape [${known.shape}]`] : []),
  ];
}

/** A result of the computation ahead must exist, of its number of iterations. */
function problemsOfResult(
  { name, ref, shape: [first = 1, ...rest] }: AheadResult,
  iterations: number,
  from: Tensors,
): Problems {
  const known = from.get(plainRef(ref));
  if (known === undefined) return [`${name} is to be ${ref}, which is missing`];
  return shapesDiffer(known.shape, [iterations * first, ...rest])
    ? [`${name} is a part of ${ref} of shape [${known.shape}]`]
    : [];
}

/** Problems of a loop, one sentence each. */
export function problemsOfParts(parts: LoopParts): Problems {
  const { reads, feeds, ahead, before, values, body, after, updates } = parts;
  const early: Tensors = new Map(Array.from(reads.keys(), (name) => [`${name}/handle`, { type: DT.resource }]));
  // Handles of variables are added when the loop is built.
  const withHandles = before.map((node) =>
    reads.has(node.name) ? { ...node, inputs: [`${node.name}/handle`] } : node,
  );
  const problems = checkNodes(withHandles, early);
  const shapes = new Map(values.map(({ name, initial }) => [name, early.get(plainRef(initial))?.shape]));
  const inLoop = values.map(({ name, type }) => [name, { type, shape: shapes.get(name) }] as const);
  const inBody: Tensors = new Map(inLoop);
  for (const [name, shape] of feeds) inBody.set(name, { shape });
  const late: Tensors = new Map(inLoop);
  const inAhead: Tensors = new Map(inLoop);
  for (const [name, shape] of ahead?.feeds ?? []) inAhead.set(name, { shape });
  return [
    ...problems,
    ...checkNodes(ahead?.nodes ?? [], inAhead),
    ...(ahead?.results ?? []).flatMap((result) => problemsOfResult(result, ahead?.iterations ?? 1, inAhead)),
    ...checkNodes(body, inBody),
    ...checkNodes(after, late),
    ...values.flatMap((value) => [
      ...problemsOfValue(value, value.initial, early, undefined),
      ...(value.next === undefined ? [] : problemsOfValue(value, value.next, inBody, shapes.get(value.name))),
    ]),
    ...problemsOfUpdates(updates, late),
  ];
}

/** @throws Error with the problems of a loop, and the pass that caused them */
export function checkParts(parts: LoopParts, after: string): void {
  const problems = problemsOfParts(parts);
  if (problems.length === 0) return;
  throw new Error([`A loop is damaged after ${after}:`, ...problems.slice(0, 20)].join("\n  "));
}
