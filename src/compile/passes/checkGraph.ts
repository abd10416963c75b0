import { DT } from "../../runtime/native.js";
import {
  checkNodes,
  type Known,
  type Problems,
  shapesDiffer,
  type Tensors,
} from "../graph/checkNodes.js";
import { plainRef } from "../graph/graph.js";
import type { RecordedStep } from "../record/recordedStep.js";

/** Ops whose first input is the handle of a variable. */
const READS: ReadonlySet<string> = new Set(["ReadVariableOp", "ResourceGather"]);
const HANDLE = { type: DT.resource };

/** The handles of variables, which stand outside of the step. */
function handlesOf({ nodes }: RecordedStep): Tensors {
  const reads = nodes.filter(({ op }) => READS.has(op));
  return new Map(reads.flatMap(({ inputs }) => inputs.slice(0, 1)).map((ref) => [ref, HANDLE]));
}

/** A new value must be there, in float32 and of its variable's shape. */
export function problemsOfUpdates(
  updates: RecordedStep["updates"],
  tensors: ReadonlyMap<string, Known>,
): Problems {
  return updates.flatMap(([{ name, shape }, ref]) => {
    const value = tensors.get(plainRef(ref));
    if (value === undefined) return [`the new value of ${name}, ${ref}, is not there`];
    return [
      ...((value.type ?? DT.float) === DT.float
        ? []
        : [`the new value of ${name} has type ${value.type}`]),
      ...(shapesDiffer(value.shape, shape)
        ? [`the new value of ${name} has shape [${value.shape}] instead of [${shape}]`]
        : []),
    ];
  });
}

/** What is wrong with a recorded step, one sentence each: none where it is a graph that can be compiled. */
export function problemsOf(step: RecordedStep): Problems {
  const { nodes, feeds, reads, updates } = step;
  const tensors = handlesOf(step);
  const problems = checkNodes(nodes, tensors);
  const ops = new Map(nodes.map(({ name, op }) => [name, op]));
  const expect = (what: string, name: string, op: string): Problems =>
    ops.get(name) === op ? [] : [`${what} is ${name}, which is no ${op}`];
  return [
    ...problems,
    ...Object.entries(feeds).flatMap(([name, node]) =>
      expect(`the feed ${name}`, node, "Placeholder"),
    ),
    ...Array.from(reads).flatMap(([{ name }, node]) =>
      expect(`the value of ${name}`, node, "ReadVariableOp"),
    ),
    ...problemsOfUpdates(updates, tensors),
  ];
}

/** @throws Error that says what is wrong with a recorded step, and after what */
export function checkGraph(step: RecordedStep, after = "recording"): void {
  const problems = problemsOf(step);
  if (problems.length === 0) return;
  throw new Error([`A graph is damaged after ${after}:`, ...problems.slice(0, 20)].join("\n  "));
}
