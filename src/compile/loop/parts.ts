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

/** What is computed for several rounds at once, before the first of them. It changes nothing. */
export interface AheadParts {
  /** How many rounds. */
  readonly rounds: number;
  /** What its nodes call the feeds that it takes, of all of these rounds, by the feeds' names. */
  readonly takes: Readonly<Record<string, string>>;
  /** Shapes of those feeds, by what the nodes call them. */
  readonly feeds: ReadonlyMap<string, readonly number[]>;
  readonly nodes: readonly GraphNode[];
  readonly results: readonly AheadResult[];
}

/** A float32 tensor of several rounds, of which each round sees its part. */
export interface AheadResult {
  /** The body's name for its part. */
  readonly name: string;
  /** A reference among the nodes that are computed ahead. */
  readonly ref: string;
  /** Of a round's part. */
  readonly shape: readonly number[];
}

/**
 * A step taken apart for a loop: what runs once before it, in every round, and once after it. References name nodes or
 * loop values; names are unique over all three. Variables are read before the loop and assigned after it, so that a
 * round is arithmetic alone.
 */
export interface LoopParts {
  /** The variable that each of these reads, by the name of its ReadVariableOp. */
  readonly reads: ReadonlyMap<string, Variable>;
  /** Shapes of what each round is fed, by the name that the body has for it; what is computed ahead is among it. */
  readonly feeds: ReadonlyMap<string, readonly number[]>;
  readonly ahead?: AheadParts;
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

/** A computation for several rounds at once, as it was recorded. */
export interface RecordedAhead {
  readonly rounds: number;
  readonly step: RecordedStep;
  readonly results: readonly AheadResult[];
}

/** Shapes of a recording's feeds, by their placeholders. */
const feedShapes = ({ nodes }: RecordedStep): Map<string, readonly number[]> =>
  new Map(nodes.flatMap(({ op, name, shapes }) => (op === "Placeholder" ? [[name, shapes?.[0] ?? []] as const] : [])));

/**
 * A step's reads and updates as values of a loop.
 * @param prefix of the names of what is new
 * @param ahead what is computed for several rounds at once
 */
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
    return {
      name,
      type: DT.float,
      initial: read,
      ...(next !== undefined && { next }),
    };
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
        rounds: ahead.rounds,
        takes: ahead.step.feeds,
        feeds: feedShapes(ahead.step),
        nodes: arithmetic(ahead.step),
        results: ahead.results,
      },
    }),
    before: Array.from(reads, ([name, { shape }]) => readNode(name, shape)),
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
