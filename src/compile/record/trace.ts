import { DT, nativeBackend, withBinding } from "../../runtime/native.js";
import { scatterRows } from "../../runtime/rows.js";
import { type Tensor, tf, type Update, type Variable } from "../../runtime/tf.js";
import { placeholder } from "../graph/graph.js";
import type { Entry, FeedSpec } from "../types.js";
import { type HeldTensors, holdTensors } from "./heldTensors.js";
import { createLedger, type Ledger } from "./ledger.js";
import type { RecordedStep } from "./recordedStep.js";
import { recordingBinding } from "./recordingBinding.js";
import { createStandIns, type StandIns } from "./standIn.js";
import { TraceError } from "./traceError.js";
import { refusingEarlierTensors } from "./uploads.js";

/** Element types of feeds in TensorFlow's C API. */
export const FEED_TYPES = { float32: DT.float, int32: DT.int32 } as const;

/** VarHandleOp of each variable that a step may touch. */
export type Handles = ReadonlyMap<Variable, string>;

const idsOf = (tensors: readonly Tensor[]): number[] =>
  nativeBackend().getInputTensorIds([...tensors]);

const idOf = (tensor: Tensor): number => idsOf([tensor])[0] as number;

/**
 * Records one run of an entry's step as graph nodes by standing between tfjs and the native library. Nothing is laid on
 * the device, and nothing runs but ops of which the table knows no shapes.
 * @param prefix of all node names
 * @param handles VarHandleOp of each variable the step may touch
 * @throws TraceError when the step reads data, uses a tensor made elsewhere, or updates an unknown variable
 */
export function recordStep(prefix: string, entry: Entry, handles: Handles): RecordedStep {
  let recorded: RecordedStep | undefined;
  tf.tidy(() => {
    recorded = recordInScope(prefix, entry, handles);
  });
  return recorded as unknown as RecordedStep;
}

function recordInScope(prefix: string, entry: Entry, handles: Handles): RecordedStep {
  const specs: Record<string, FeedSpec> = { ...entry.perStep, ...entry.shared };
  const feeds = feedTensors(specs);
  const standIns = createStandIns(nativeBackend().binding);
  const given = [...handles.keys(), ...Object.values(feeds)];
  const held = holdTensors(given, nativeBackend(), standIns);
  const idOfHeld = (tensor: Tensor): number => held.idOf(tensor) ?? idOf(tensor);
  const ledger = createLedger(prefix);
  const placeholders = Object.entries(specs).map(([name, { shape, dtype }]) => {
    const ref = ledger.add(placeholder(`${prefix}/feed/${name}`, FEED_TYPES[dtype], shape));
    ledger.know(idOfHeld(feeds[name] as Tensor), { ref, shape });
    return [name, ref] as const;
  });
  for (const [variable, handle] of handles) ledger.offer(idOfHeld(variable), variable, handle);
  const updates = run(() => entry.step(feeds), ledger, standIns, held);
  return {
    nodes: ledger.nodes,
    feeds: Object.fromEntries(placeholders),
    updates: updates.map(
      ([variable, value]) =>
        [
          knownVariable(handles, variable),
          ledger.resolve(idOfHeld(value), "an update").ref,
        ] as const,
    ),
    reads: ledger.reads,
  };
}

const feedTensors = (specs: Readonly<Record<string, FeedSpec>>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }]) => [name, tf.zeros([...shape], dtype)]),
  );

/** Runs a step while its ops and constants go into a ledger. */
const run = (
  step: () => readonly Update[],
  ledger: Ledger,
  standIns: StandIns,
  held: HeldTensors,
): readonly (readonly [Variable, Tensor])[] =>
  withBinding(
    (binding) => recordingBinding(binding, ledger, standIns),
    () =>
      refusingEarlierTensors(() => {
        // A graph has one op for rows and the whole, which the passes of an engine take apart again.
        const updates = step().map(([variable, value, rows]): [Variable, Tensor] => [
          variable,
          rows === undefined ? value : scatterRows(variable, rows, value),
        ]);
        // Values that no op has used yet (plain host constants) become nodes now.
        idsOf(updates.map(([, value]) => value));
        return updates;
      }, held),
  );

function knownVariable(handles: Handles, variable: Variable): Variable {
  if (handles.has(variable)) return variable;
  throw new TraceError(`the step updates ${variable.name}, which is not among its variables`);
}
