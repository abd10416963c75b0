import { sizeOf } from "../common/shapes.js";
import { isGpu } from "../runtime/device.js";
import { type Tensor, tf } from "../runtime/tf.js";
import { checkSteps, entryNamed, feedTensor, feedValues } from "./feeds.js";
import type { GraphFunction, GraphNode, Signature } from "./graph/graph.js";
import { declareVariables } from "./graph/variables.js";
import { groupTransfer, runToDone } from "./graphProgram.js";
import { preparedParts } from "./loop/loopPasses.js";
import { partsOf } from "./loop/parts.js";
import { COUNT_FEED, loopFeeds, stepLoop } from "./loop/stepLoop.js";
import { prepared } from "./passes/passes.js";
import { recordStep } from "./record/trace.js";
import { openSession } from "./session.js";
import type { Entry, FeedValues, Program, ProgramDescription } from "./types.js";

/** Signature of an entry's calls of as many steps as one call takes. */
const wholeCall = (name: string): string => `${name}/whole`;

/** Whether calls of a whole number of steps have a program of their own. */
const hasWholeCalls = (entry: Entry, known: boolean): boolean => known && entry.stepsPerCall > 1;

/**
 * Many steps per call as one XLA program. An entry has up to two of them, each compiled when it is first called: one
 * for calls of all the steps that a call may take, whose number of rounds is part of the program, so that a GPU is
 * never asked between them whether to go on; and one that is told how many, for the rest of an epoch.
 */
export function xlaProgram(description: ProgramDescription): Program {
  const { entries, precision, knownRounds = isGpu() } = description;
  const variables = declareVariables(description.variables);
  const nodes: GraphNode[] = [...variables.nodes];
  const functions: GraphFunction[] = [];
  const signatures: Record<string, Signature> = { ...variables.signatures };
  for (const [name, entry] of Object.entries(entries)) {
    const recorded = recordStep(name, entry, variables.handles);
    const step = prepared(recorded, "xla", precision);
    const parts = preparedParts(partsOf(step, name));
    const addLoop = (prefix: string, signature: string, rounds?: number) => {
      const loop = stepLoop(
        { prefix, entry, parts, feeds: step.feeds, ...(rounds !== undefined && { rounds }) },
        variables,
      );
      nodes.push(...loop.nodes);
      functions.push(...loop.functions);
      signatures[signature] = loop.signature;
    };
    if (hasWholeCalls(entry, knownRounds)) {
      addLoop(name, wholeCall(name), entry.stepsPerCall);
      addLoop(`${name}_counted`, name);
    } else {
      addLoop(name, name, entry.stepsPerCall === 1 ? 1 : undefined);
    }
  }
  const session = openSession({ nodes, functions, signatures });
  return {
    engine: "xla",
    run(name, feeds, steps) {
      const entry = entryNamed(entries, name);
      checkSteps(entry, name, steps);
      const isWhole = hasWholeCalls(entry, knownRounds) && steps === entry.stepsPerCall;
      tf.tidy(() => {
        const tensors = callFeeds(entry, feeds, steps, isWhole);
        runToDone(session, isWhole ? wholeCall(name) : name, tensors);
      });
    },
    ...groupTransfer(session, description.variables),
    dispose: () => session.dispose(),
  };
}

/** Feeds of one call, by their bits, filled up with zeros to the number of steps that the program was compiled for. */
function callFeeds(
  entry: Entry,
  feeds: FeedValues,
  steps: number,
  isWhole: boolean,
): Record<string, Tensor> {
  const rounds = isWhole || entry.stepsPerCall === 1 ? { rounds: entry.stepsPerCall } : {};
  const tensors = Object.entries(loopFeeds({ entry, ...rounds })).map(([name, { shape }]) => {
    const size = sizeOf(shape);
    if (name === COUNT_FEED) return [name, feedTensor(Int32Array.of(steps), shape, "int32")];
    const given = name in entry.shared ? size : (size / entry.stepsPerCall) * steps;
    return [name, feedTensor(bitsOf(feedValues(feeds, name, given), size), shape, "int32")];
  });
  return Object.fromEntries(tensors) as Record<string, Tensor>;
}

/** Numbers by their bits, with zeros behind them up to a length. */
function bitsOf(values: Float32Array | Int32Array, length: number): Int32Array {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  if (bits.length === length) return bits;
  const full = new Int32Array(length);
  full.set(bits);
  return full;
}
