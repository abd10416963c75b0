import type { Variable } from "../../runtime/tf.js";
import type { GraphNode } from "../graph/graph.js";

/** A change of a recorded step that keeps its results, up to its precision. */
export type Pass = (step: RecordedStep) => RecordedStep;

export interface RecordedStep {
  readonly nodes: readonly GraphNode[];
  /** Placeholder of each feed. */
  readonly feeds: Readonly<Record<string, string>>;
  /** ReadVariableOp of each variable that the step reads. */
  readonly reads: ReadonlyMap<Variable, string>;
  /** New value of each variable that the step updates, as a data reference. */
  readonly updates: readonly (readonly [Variable, string])[];
}
