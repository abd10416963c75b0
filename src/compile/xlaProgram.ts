import { float32Bytes, takingMemory } from "../common/deviceMemory.js";
import { sizeOf } from "../common/shapes.js";
import { isGpu } from "../runtime/device.js";
import { keptPrograms } from "../runtime/programs/kept.js";
import { type Tensor, tf } from "../runtime/tf.js";
import { bitsOf, checkSteps, entryNamed, feedTensor, feedValues } from "./feeds.js";
import type { GraphFunction, GraphNode, Signature } from "./graph/graph.js";
import { savedModelBytes } from "./graph/savedModel.js";
import { declareVariables } from "./graph/variables.js";
import { groupTransfer, openSession, runToDone } from "./graphProgram.js";
import { recordLoop } from "./loop/recordLoop.js";
import { COUNT_FEED, loopFeeds, stepLoop } from "./loop/stepLoop.js";
import type { Entry, FeedValues, Program, ProgramDescription } from "./types.js";

const WHOLE = "/whole";

/** Signature of an entry's calls of stepsPerCall steps. */
const wholeCall = (name: string): string => `${name}${WHOLE}`;

/** Whether calls of stepsPerCall steps have a program of their own. */
const hasWholeCalls = (entry: Entry, known: boolean): boolean => known && entry.stepsPerCall > 1;

/** Many steps per call as one XLA program: a static trip count of stepsPerCall, a dynamic one for an epoch's rest. */
export function xlaProgram(description: ProgramDescription): Program {
  const { entries, precision, staticTripCount = isGpu() } = description;
  const variables = declareVariables(description.variables);
  const nodes: GraphNode[] = [...variables.nodes];
  const functions: GraphFunction[] = [];
  const signatures: Record<string, Signature> = { ...variables.signatures };
  for (const [name, entry] of Object.entries(entries)) {
    const recorded = recordLoop(name, entry, variables.handles, precision);
    const addLoop = (prefix: string, signature: string, iterations?: number) => {
      const loop = stepLoop({ prefix, entry, ...recorded, ...(iterations !== undefined && { iterations }) }, variables);
      nodes.push(...loop.nodes);
      functions.push(...loop.functions);
      signatures[signature] = loop.signature;
    };
    if (hasWholeCalls(entry, staticTripCount)) {
      addLoop(name, wholeCall(name), entry.stepsPerCall);
      addLoop(`${name}_counted`, name);
    } else {
      addLoop(name, name, entry.stepsPerCall === 1 ? 1 : undefined);
    }
  }
  const graph = { nodes, functions, signatures };
  const bytes = savedModelBytes(graph);
  const session = openSession(graph, bytes);
  const kept = keptPrograms(bytes, description.onWarning ?? (() => {}));
  const isCompiled = new Set<string>();
  const isWhole = (entry: Entry, steps: number): boolean =>
    hasWholeCalls(entry, staticTripCount) && steps === entry.stepsPerCall;
  const signatureOf = (name: string, steps: number): string =>
    isWhole(entryNamed(entries, name), steps) ? wholeCall(name) : name;
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
    kept: kept.count,
    compilations(calls) {
      const pending = new Map(
        calls
          .map(([name, steps]) => [signatureOf(name, steps), entryNamed(entries, name)] as const)
          .filter(([signature]) => !isCompiled.has(signature)),
      );
      return Array.from(pending, ([signature, entry]) => () => {
        const iterations = iterationsOf(entry, signature.endsWith(WHOLE));
        call(signature, () => zeroFeeds(entry, iterations));
      });
    },
    run(name, feeds, steps) {
      const entry = entryNamed(entries, name);
      checkSteps(entry, name, steps);
      const iterations = iterationsOf(entry, isWhole(entry, steps));
      call(signatureOf(name, steps), () => callFeeds(entry, feeds, steps, iterations));
    },
    ...groupTransfer(session, description.variables),
    dispose: () => session.dispose(),
  };
}

const iterationsOf = (entry: Entry, isWhole: boolean): number | undefined =>
  isWhole || entry.stepsPerCall === 1 ? entry.stepsPerCall : undefined;

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
