import { float32Bytes, takingMemory } from "../common/deviceMemory.js";
import { sizeOf } from "../common/shapes.js";
import { isGpu } from "../runtime/device.js";
import { hostAddress } from "../runtime/ownModule.js";
import { keptPrograms } from "../runtime/programs/kept.js";
import { type Tensor, tf } from "../runtime/tf.js";
import { bitsOf, calledEntry, entryNamed, feedTensor, feedValues, partOf } from "./feeds.js";
import type { GraphFunction, GraphNode, Signature } from "./graph/graph.js";
import { savedModelBytes } from "./graph/savedModel.js";
import { declareVariables } from "./graph/variables.js";
import { groupTransfer, openSession, runToDone } from "./graphProgram.js";
import type { LoopSource } from "./loop/functions.js";
import { recordLoop } from "./loop/recordLoop.js";
import { ADDRESS_FEED, COUNT_FEED, loopFeeds, stepLoop } from "./loop/stepLoop.js";
import type { Entry, FeedValues, Program, ProgramDescription } from "./types.js";

const WHOLE = "/whole";
/** Suffixes of signatures that stage an input for the next call: alone, and while the call computes. */
const [STAGE, AND_STAGE] = ["/stage", "/andStage"];

/** Signature of an entry's calls of stepsPerCall steps. */
const wholeCall = (name: string): string => `${name}${WHOLE}`;

/** Whether calls of stepsPerCall steps have a program of their own. */
const hasWholeCalls = (entry: Entry, known: boolean): boolean => known && entry.stepsPerCall > 1;

/**
 * Many steps per call as one XLA program, compiled at first use: with a dynamic trip count, or, as a GPU would read
 * that back in every iteration, one of stepsPerCall steps and one of a single step.
 */
export function xlaProgram(description: ProgramDescription): Program {
  const { entries, precision } = description;
  const { staticTripCount = isGpu() || Object.values(entries).some(({ staged }) => staged) } = description;
  const variables = declareVariables(description.variables);
  const nodes: GraphNode[] = [...variables.nodes];
  const functions: GraphFunction[] = [];
  const signatures: Record<string, Signature> = { ...variables.signatures };
  for (const [name, entry] of Object.entries(entries)) {
    const record = (prefix: string, entry: Entry) => recordLoop(prefix, entry, variables.handles, precision);
    const recorded = record(name, entry);
    const addLoop = (signature: string, source: Omit<LoopSource, "parts" | "feeds">, { parts, feeds } = recorded) => {
      const loop = stepLoop({ ...source, parts, feeds }, variables);
      nodes.push(...loop.nodes);
      functions.push(...loop.functions);
      signatures[signature] = loop.signature;
      if (loop.staging === undefined) return;
      const { inputs, outputs } = loop.signature;
      signatures[signature + STAGE] = loop.staging;
      signatures[signature + AND_STAGE] = {
        inputs: { ...inputs, ...loop.staging.inputs },
        outputs: { ...outputs, ...loop.staging.outputs },
      };
    };
    if (hasWholeCalls(entry, staticTripCount)) {
      addLoop(wholeCall(name), { prefix: name, entry, iterations: entry.stepsPerCall });
      const [prefix, single] = [`${name}_single`, singleStep(entry)];
      addLoop(name, { prefix, entry: single, iterations: 1 }, entry.ahead && record(prefix, single));
    } else {
      addLoop(name, { prefix: name, entry, ...(entry.stepsPerCall === 1 && { iterations: 1 }) });
    }
  }
  const graph = { nodes, functions, signatures };
  const bytes = savedModelBytes(graph);
  const session = openSession(graph, bytes);
  const kept = keptPrograms(bytes, description.onWarning ?? (() => {}));
  const isCompiled = new Set<string>();
  /** What runs so many steps of an entry: a signature, with the entry as its calls take it. */
  const calleeOf = (name: string, steps: number): readonly [signature: string, entry: Entry] => {
    const entry = entryNamed(entries, name);
    if (!hasWholeCalls(entry, staticTripCount)) return [name, entry];
    return steps === entry.stepsPerCall ? [wholeCall(name), entry] : [name, singleStep(entry)];
  };
  const iterationsOf = ({ stepsPerCall }: Entry): number | undefined =>
    staticTripCount || stepsPerCall === 1 ? stepsPerCall : undefined;
  const call = (signature: string, feeds: () => Record<string, Tensor>) => {
    tf.tidy(() => {
      const inputs = feeds();
      takingMemory("for a call of steps", float32Bytes(Object.values(inputs)), () =>
        runToDone(session, signature, inputs),
      );
    });
    if (isCompiled.has(signature)) return;
    isCompiled.add(signature);
    kept.keepNew();
  };
  return {
    engine: "xla",
    wholeCalls: staticTripCount,
    kept: kept.count,
    compilations(calls) {
      const pending = new Map(
        calls.map(([name, steps]) => calleeOf(name, steps)).filter(([signature]) => !isCompiled.has(signature)),
      );
      return Array.from(pending, ([signature, entry]) => () => {
        if (entry.staged) call(signature + STAGE, () => addressFeed(new Int32Array(stagedSize(entry))));
        call(signature, () => zeroFeeds(fedPart(entry), iterationsOf(entry)));
      });
    },
    run(name, feeds, steps, next) {
      calledEntry(entries, name, steps);
      const [signature, whole] = calleeOf(name, steps);
      const entry = fedPart(whole);
      const iterations = iterationsOf(entry);
      const each = iterations === 1 ? 1 : steps;
      for (let step = 0; step < steps; step += each) {
        call(next === undefined ? signature : signature + AND_STAGE, () => ({
          ...callFeeds(entry, partOf(entry, feeds, step, steps, each), each, iterations),
          ...(next && addressFeed(stagedValues(whole, next))),
        }));
      }
    },
    stage(name, feeds) {
      const [signature, entry] = calleeOf(name, entryNamed(entries, name).stepsPerCall);
      call(signature + STAGE, () => addressFeed(stagedValues(entry, feeds)));
    },
    ...groupTransfer(session, description.variables),
    dispose: () => session.dispose(),
  };
}

/** The entry for calls of one step, which computes nothing ahead and finds nothing staged. */
const singleStep = ({ ahead, staged, ...entry }: Entry): Entry => ({ ...entry, stepsPerCall: 1 });

/** The entry without what is staged: the inputs that its calls are fed. */
const fedPart = (entry: Entry): Entry => ({
  ...entry,
  perStep: Object.fromEntries(Object.entries(entry.perStep).filter(([name]) => name !== entry.staged)),
});

const stagedSize = ({ perStep, staged = "", stepsPerCall }: Entry): number =>
  stepsPerCall * sizeOf(perStep[staged]?.shape ?? []);

const stagedValues = (entry: Entry, feeds: FeedValues) => feedValues(feeds, entry.staged ?? "", stagedSize(entry));

/** The feed of staging; the values have to stay until the call has ended. */
const addressFeed = (values: ArrayBufferView): Record<string, Tensor> => ({
  [ADDRESS_FEED]: feedTensor(hostAddress(values), [2], "int32"),
});

const loopFeedsOf = (entry: Entry, iterations: number | undefined) =>
  Object.entries(loopFeeds({ entry, ...(iterations !== undefined && { iterations }) }));

/** Feeds of a call that only compiles: no steps, or steps of zeros with a static trip count. */
const zeroFeeds = (entry: Entry, iterations: number | undefined): Record<string, Tensor> =>
  Object.fromEntries(
    loopFeedsOf(entry, iterations).map(([name, { shape }]) => [
      name,
      feedTensor(new Int32Array(sizeOf(shape)), shape, "int32"),
    ]),
  );

/** Feeds of one call, by their bits, zero-padded to the number of steps that the program was compiled for. */
function callFeeds(
  entry: Entry,
  feeds: FeedValues,
  steps: number,
  iterations: number | undefined,
): Record<string, Tensor> {
  const tensors = loopFeedsOf(entry, iterations).map(([name, { shape }]) => {
    const size = sizeOf(shape);
    if (name === COUNT_FEED) return [name, feedTensor(Int32Array.of(steps), shape, "int32")];
    const given = name in entry.shared ? size : (size / entry.stepsPerCall) * steps;
    return [name, feedTensor(bitsOf(feedValues(feeds, name, given), size), shape, "int32")];
  });
  return Object.fromEntries(tensors) as Record<string, Tensor>;
}
