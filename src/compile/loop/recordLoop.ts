import { nodeOf } from "../graph/graph.js";
import { prepared } from "../passes/passes.js";
import { recordOutputs } from "../record/outputs.js";
import type { RecordedStep } from "../record/recordedStep.js";
import { type Handles, recordStep } from "../record/trace.js";
import type { Ahead, Entry, FeedSpec, PrecisionName } from "../types.js";
import { preparedParts } from "./loopPasses.js";
import { type LoopParts, partsOf, type RecordedAhead } from "./parts.js";

/** An entry's step as the parts of a loop, and the placeholder of each of its feeds. */
export interface RecordedLoop {
  readonly parts: LoopParts;
  readonly feeds: Readonly<Record<string, string>>;
}

/** What an entry computes ahead, recorded, and the shapes of a step's part of its results. */
interface Before {
  readonly step: RecordedStep;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

function recordAhead(
  prefix: string,
  ahead: Ahead,
  { perStep }: Entry,
  handles: Handles,
  precision: PrecisionName,
): Before {
  const specs = ahead.takes.map((name): [string, FeedSpec] => {
    const { shape, dtype } = perStep[name] as FeedSpec;
    const [first = 1, ...rest] = shape;
    return [name, { shape: [ahead.steps * first, ...rest], dtype }];
  });
  const { step, shapes } = recordOutputs(
    `${prefix}/ahead`,
    Object.fromEntries(specs),
    ahead.compute,
    handles,
  );
  const parts = Array.from(shapes, ([name, [first = 1, ...rest]]) => {
    return [name, [first / ahead.steps, ...rest]] as const;
  });
  return { step: prepared(step, "xla", precision), shapes: new Map(parts) };
}

/** What of it the step looks at. @throws Error where the step changes what it depends on */
function joined(steps: number, before: Before, step: RecordedStep): RecordedAhead {
  const changed = new Set(step.updates.map(([variable]) => variable));
  const moving = [...before.step.reads.keys()].find((variable) => changed.has(variable));
  if (moving !== undefined) {
    throw new Error(`What is computed ahead reads ${moving.name}, which steps change.`);
  }
  const used = new Set(step.nodes.flatMap(({ inputs }) => inputs.map(nodeOf)));
  const results = Array.from(before.shapes, ([name, shape], i) => ({
    ...{ name: step.feeds[name] as string, shape },
    ref: before.step.updates[i]?.[1] as string,
  }));
  return {
    rounds: steps,
    step: before.step,
    results: results.filter(({ name }) => used.has(name)),
  };
}

/**
 * Records an entry for a loop, and makes it ready to be compiled.
 * @param name begins all names
 * @throws TraceError as recordStep does; RangeError where calls are no whole groups of steps
 */
export function recordLoop(
  name: string,
  entry: Entry,
  handles: Handles,
  precision: PrecisionName,
): RecordedLoop {
  const { ahead, stepsPerCall } = entry;
  if (ahead !== undefined && stepsPerCall % ahead.steps !== 0) {
    throw new RangeError(`${name}: ${stepsPerCall} steps are no groups of ${ahead.steps}.`);
  }
  const before = ahead && recordAhead(name, ahead, entry, handles, precision);
  const given = Array.from(before?.shapes ?? [], ([result, shape]) => {
    return [result, { shape, dtype: "float32" }] as const;
  });
  const perStep = { ...entry.perStep, ...Object.fromEntries(given) };
  const step = prepared(recordStep(name, { ...entry, perStep }, handles), "xla", precision);
  const grouped = ahead && before && joined(ahead.steps, before, step);
  return { parts: preparedParts(partsOf(step, name, grouped)), feeds: step.feeds };
}
