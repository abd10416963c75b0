import { type Tensor, tf, type Variable } from "../../runtime/tf.js";
import type { FeedSpec, Feeds } from "../types.js";
import type { RecordedStep } from "./recordedStep.js";
import { type Handles, recordStep } from "./trace.js";

/** A recorded computation whose results are tensors. */
export interface RecordedOutputs {
  /** The results are its updates, in their order: passes treat them as what has to stay. */
  readonly step: RecordedStep;
  /** Their names and shapes, in that order. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * Records a computation that changes no variable.
 * @param prefix of all node names
 * @param compute float32 results by name
 * @param handles VarHandleOp of each variable that it may read
 * @throws TraceError as recordStep does
 */
export function recordOutputs(
  prefix: string,
  specs: Readonly<Record<string, FeedSpec>>,
  compute: (feeds: Feeds) => Readonly<Record<string, Tensor>>,
  handles: Handles,
): RecordedOutputs {
  const shapes = new Map<string, readonly number[]>();
  // All that a step results in are new values of variables: one stands in for each result.
  const standIns: Variable[] = [];
  const all = new Map(handles);
  const step = (feeds: Feeds) =>
    Object.entries(compute(feeds)).map(([name, value]) => {
      const standIn = tf.tidy(() => tf.variable(tf.zeros(value.shape), false));
      standIns.push(standIn);
      all.set(standIn, "");
      shapes.set(name, value.shape);
      return [standIn, value] as const;
    });
  try {
    const entry = { step, perStep: specs, shared: {}, stepsPerCall: 1 };
    return { step: recordStep(prefix, entry, all), shapes };
  } finally {
    tf.dispose(standIns);
  }
}
