import { DT } from "../../runtime/native.js";
import type { Variable } from "../../runtime/tf.js";
import { type GraphNode, isControl, readNode } from "../graph/graph.js";
import type { RecordedStep } from "../record/recordedStep.js";

/** A tensor carried through a loop: invariant, or updated in each iteration. */
export interface LoopValue {
  readonly name: string;
  /** Element type of TensorFlow's C API. */
  readonly type: number;
  /** Initial value: a reference among the nodes before the loop. */
  readonly initial: string;
  /** Next value: a reference among the body's nodes; none for an invariant. */
  readonly next?: string;
}

/** A pure computation for several iterations at once, before the first of them. */
export interface AheadParts {
  readonly iterations: number;
  /** Placeholders of its feeds, which hold all of these iterations, by the feeds' names. */
  readonly takes: Readonly<Record<string, string>>;
  readonly feeds: ReadonlyMap<string, readonly number[]>;
  readonly nodes: readonly GraphNode[];
  readonly results: readonly AheadResult[];
}

/** A float32 tensor of several iterations; each reads its slice. */
export interface AheadResult {
  /** Name of the slice in the body. */
  readonly name: string;
  readonly ref: string;
  readonly shape: readonly number[];
}

/** A step as a loop: names are unique over its parts, variables are read before and assigned after its pure body. */
export interface LoopParts {
  /** The variable of each ReadVariableOp, by its name. */
  readonly reads: ReadonlyMap<string, Variable>;
  /** Shapes of an iteration's feeds, results of the computation ahead among them, by their names in the body. */
  readonly feeds: ReadonlyMap<string, readonly number[]>;
  readonly ahead?: AheadParts;
  readonly before: readonly GraphNode[];
  readonly values: readonly LoopValue[];
  readonly body: readonly GraphNode[];
  readonly after: readonly GraphNode[];
  /** New values of variables: references among the nodes after the loop, or loop values. */
  readonly updates: readonly (readonly [Variable, string])[];
}

/** A semantics-preserving change of a loop. */
export type LoopPass = (parts: LoopParts) => LoopParts;

/** Replaces the nodes that references name. */
export const withInputs = (node: GraphNode, replaced: ReadonlyMap<string, string>): GraphNode => ({
  ...node,
  inputs: node.inputs.flatMap((ref) => {
    const other = replaced.get(isControl(ref) ? ref.slice(1) : ref);
    // Values exist before an iteration begins: no control dependency is needed.
    if (isControl(ref)) return other === undefined ? [ref] : [];
    return [other ?? ref];
  }),
});

export interface RecordedAhead {
  readonly iterations: number;
  readonly step: RecordedStep;
  readonly results: readonly AheadResult[];
}

const feedShapes = ({ nodes }: RecordedStep): Map<string, readonly number[]> =>
  new Map(nodes.flatMap(({ op, name, shapes }) => (op === "Placeholder" ? [[name, shapes?.[0] ?? []] as const] : [])));

/** A step as a loop: its reads and updates become loop values. @param prefix of new names */
export function partsOf(recorded: RecordedStep, prefix: string, ahead?: RecordedAhead): LoopParts {
  const updated = new Map(recorded.updates);
  const readers = [recorded, ...(ahead === undefined ? [] : [ahead.step])];
  const touched = [...new Set([...readers.flatMap(({ reads }) => [...reads.keys()]), ...updated.keys()])];
  const reads = new Map<string, Variable>();
  const replaced = new Map<string, string>();
  const values = touched.map((variable, i): LoopValue => {
    const name = `${prefix}_value_${i}`;
    const read = `${prefix}_read_${i}`;
    reads.set(read, variable);
    for (const reader of readers) {
      const inStep = reader.reads.get(variable);
      if (inStep !== undefined) replaced.set(inStep, name);
    }
    const next = updated.get(variable);
    return { name, type: DT.float, initial: read, ...(next !== undefined && { next }) };
  });
  const arithmetic = (step: RecordedStep): GraphNode[] => {
    const isRead = new Set(step.reads.values());
    return step.nodes
      .filter((node) => node.op !== "Placeholder" && !isRead.has(node.name))
      .map((node) => withInputs(node, replaced));
  };
  return {
    reads,
    feeds: feedShapes(recorded),
    ...(ahead !== undefined && {
      ahead: {
        iterations: ahead.iterations,
        takes: ahead.step.feeds,
        feeds: feedShapes(ahead.step),
        nodes: arithmetic(ahead.step),
        results: ahead.results,
      },
    }),
    // Handles are added where the loop's resources have names.
    before: Array.from(reads, ([name, { shape }]) => readNode(name, [], shape)),
    values: values.map((value) =>
      value.next === undefined ? value : { ...value, next: replaced.get(value.next) ?? value.next },
    ),
    body: arithmetic(recorded),
    after: [],
    updates: touched.flatMap((variable, i) =>
      updated.has(variable) ? [[variable, (values[i] as LoopValue).name] as const] : [],
    ),
  };
}

/** Loop invariants, by name. */
export const invariantsOf = ({ values }: LoopParts): Map<string, LoopValue> =>
  new Map(values.filter(({ next }) => next === undefined).map((value) => [value.name, value]));
