import { sizeOf } from "../common/shapes.js";
import { type Tensor, tf } from "../runtime/tf.js";
import { toBfloat16 } from "./bfloat16.js";
import { checkSteps, entryNamed, feedTensor, feedValues, stepFeeds } from "./feeds.js";
import type { GraphFunction, GraphNode, Signature } from "./graph.js";
import { groupTransfer, runToDone } from "./graphProgram.js";
import { COUNT_FEED, loopFeeds, stepLoop } from "./loop.js";
import { openSession } from "./session.js";
import { withStandardOps } from "./standardOps.js";
import { singleStep } from "./stepGraph.js";
import { recordStep } from "./trace.js";
import type { Entry, FeedValues, Program, ProgramDescription } from "./types.js";
import { declareVariables } from "./variables.js";

/**
 * Many steps per call as one XLA program. Entries of one step per call (the last short batch of an epoch) run as plain
 * graphs in the same session: compiling a program for one step an epoch would cost more than it brings.
 */
export function xlaProgram(description: ProgramDescription): Program {
  const { entries, precision } = description;
  const variables = declareVariables(description.variables);
  const nodes: GraphNode[] = [...variables.nodes];
  const functions: GraphFunction[] = [];
  const signatures: Record<string, Signature> = { ...variables.signatures };
  for (const [name, entry] of Object.entries(entries)) {
    const recorded = recordStep(name, entry, variables.handles);
    if (entry.stepsPerCall === 1) {
      const step = singleStep(name, entry, recorded, variables, precision);
      nodes.push(...step.nodes);
      signatures[name] = step.signature;
      continue;
    }
    const standard = withStandardOps(recorded.nodes);
    const reduced = precision === "bfloat16" ? toBfloat16(standard, name) : standard;
    const loop = stepLoop(name, entry, recorded, variables, reduced);
    nodes.push(...loop.nodes);
    functions.push(...loop.functions);
    signatures[name] = loop.signature;
  }
  const session = openSession({ nodes, functions, signatures });
  return {
    engine: "xla",
    run(name, feeds, steps) {
      const entry = entryNamed(entries, name);
      checkSteps(entry, name, steps);
      tf.tidy(() => {
        const tensors =
          entry.stepsPerCall === 1 ? stepFeeds(entry, feeds, 0, 1) : callFeeds(entry, feeds, steps);
        runToDone(session, name, tensors);
      });
    },
    ...groupTransfer(session, description.variables),
    dispose: () => session.dispose(),
  };
}

/** Feeds of one call, filled up with zeros to the number of steps that the program was compiled for. */
function callFeeds(entry: Entry, feeds: FeedValues, steps: number): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, { shape, dtype }] of Object.entries(loopFeeds(entry))) {
    if (name === COUNT_FEED) {
      tensors[name] = feedTensor(Int32Array.of(steps), shape, dtype);
    } else if (name in entry.shared) {
      tensors[name] = feedTensor(feedValues(feeds, name, sizeOf(shape)), shape, dtype);
    } else {
      const size = sizeOf(shape) / entry.stepsPerCall;
      tensors[name] = feedTensor(
        filledUp(feedValues(feeds, name, size * steps), sizeOf(shape)),
        shape,
        dtype,
      );
    }
  }
  return tensors;
}

function filledUp(values: Float32Array | Int32Array, length: number): Float32Array | Int32Array {
  if (values.length === length) return values;
  const full = values instanceof Float32Array ? new Float32Array(length) : new Int32Array(length);
  full.set(values);
  return full;
}
