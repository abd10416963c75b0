import { DT } from "../../runtime/native.js";
import type { Variable } from "../../runtime/tf.js";
import { type GraphNode, isControl } from "../graph/graph.js";
import type { RecordedStep } from "../record/recordedStep.js";

/** A tensor that the rounds of a loop see: the same in all of them, or handed from one to the next. */
export interface LoopValue {
  readonly name: string;
  /** Element type of TensorFlow's C API. */
  readonly type: number;
  /** What it is in the first round: a reference among the nodes before the loop. */
  readonly initial: string;
  /** What it is in the next round: a reference among the body's nodes. Nothing where it never changes. */
  readonly next?: string;
}

/**
 * A step taken apart for a loop: what runs once before it, in every round, and once after it. References name nodes or
 * loop values; names are unique over all three. Variables are read before the loop and assigned after it, so that a
 * round is arithmetic alone.
 */
export interface LoopParts {
  /** The variable that each of these reads, by the name of its ReadVariableOp. */
  readonly reads: ReadonlyMap<string, Variable>;
  /** Shapes of what each round is fed, by the name that the body has for it. */
  readonly feeds: ReadonlyMap<string, readonly number[]>;
  readonly before: readonly GraphNode[];
  readonly values: readonly LoopValue[];
  readonly body: readonly GraphNode[];
  readonly after: readonly GraphNode[];
  /** New values of variables: references among the nodes after the loop, or loop values. */
  readonly updates: readonly (readonly [Variable, string])[];
}

/** A change of the parts that computes the same. */
export type LoopPass = (parts: LoopParts) => LoopParts;

/** Replaces the nodes that references name. */
export const withInputs = (node: GraphNode, replaced: ReadonlyMap<string, string>): GraphNode => ({
  ...node,
  inputs: node.inputs.flatMap((ref) => {
    const other = replaced.get(isControl(ref) ? ref.slice(1) : ref);
    // Values are there before a round begins: nothing has to wait for them.
    if (isControl(ref)) return other === undefined ? [ref] : [];
    return [other ?? ref];
  }),
});

/** A step's reads and updates as values of a loop. @param prefix of the names of what is new */
export function partsOf(recorded: RecordedStep, prefix: string): LoopParts {
  const updated = new Map(recorded.updates);
  const touched = [...new Set([...recorded.reads.keys(), ...updated.keys()])];
  const reads = new Map<string, Variable>();
  const replaced = new Map<string, string>();
  const values = touched.map((variable, i): LoopValue => {
    const name = `${prefix}_value_${i}`;
    const read = `${prefix}_read_${i}`;
    reads.set(read, variable);
    const inStep = recorded.reads.get(variable);
    if (inStep !== undefined) replaced.set(inStep, name);
    const next = updated.get(variable);
    return {
      ...{ name, type: DT.float, initial: read },
      ...(next !== undefined && { next }),
    };
  });
  const isRead = new Set(recorded.reads.values());
  return {
    reads,
    feeds: new Map(
      recorded.nodes.flatMap(({ op, name, shapes }) =>
        op === "Placeholder" ? [[name, shapes?.[0] ?? []] as const] : [],
      ),
    ),
    before: Array.from(reads, ([name, { shape }]) => readNode(name, shape)),
    values: values.map((value) =>
      value.next === undefined ? value : { ...value, next: replaced.get(value.next) ?? value.next },
    ),
    body: recorded.nodes
      .filter((node) => node.op !== "Placeholder" && !isRead.has(node.name))
      .map((node) => withInputs(node, replaced)),
    after: [],
    updates: touched.flatMap((variable, i) =>
      updated.has(variable) ? [[variable, (values[i] as LoopValue).name] as const] : [],
    ),
  };
}

/** The handle is put in where the resources of the loop have names. */
const readNode = (name: string, shape: readonly number[]): GraphNode => ({
  name,
  op: "ReadVariableOp",
  inputs: [],
  attributes: { dtype: { type: DT.float } },
  shapes: [shape],
});

/** Values that are the same in every round, by name. */
export const invariantsOf = ({ values }: LoopParts): Map<string, LoopValue> =>
  new Map(values.filter(({ next }) => next === undefined).map((value) => [value.name, value]));
