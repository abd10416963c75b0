import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { float32Bytes, takingMemory } from "../common/deviceMemory.js";
import { withTemporaryFolder } from "../common/files/atomicFolder.js";
import { type NativeBinding, nativeBackend } from "../runtime/native.js";
import { type Tensor, tf, type Variable } from "../runtime/tf.js";
import { bitsOf, calledEntry, feedTensor, stepFeeds } from "./feeds.js";
import { type Graph, type GraphNode, nodesByName, type Signature, usersOf } from "./graph/graph.js";
import { savedModelBytes, TAG } from "./graph/savedModel.js";
import {
  assignNode,
  assignRowsNode,
  declareVariables,
  doneNodes,
  donePort,
  type GraphVariables,
  pullSignature,
  pushSignature,
  variableKey,
} from "./graph/variables.js";
import { prepared } from "./passes/passes.js";
import { rowWrite } from "./passes/rowsInPlace.js";
import type { RecordedStep } from "./record/recordedStep.js";
import { FEED_TYPES, recordStep } from "./record/trace.js";
import type { Entry, PrecisionName, Program, ProgramDescription } from "./types.js";

/** A graph loaded into TensorFlow, with its variables. */
interface Session {
  /** Runs a signature. @returns its outputs by name; the caller disposes of them */
  run(signature: string, inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  dispose(): void;
}

/** Loads a graph. @param bytes the graph as a SavedModel, on disk only while TensorFlow reads it */
export function openSession(graph: Graph, bytes: Uint8Array = savedModelBytes(graph)): Session {
  const binding = nativeBackend().binding;
  const session = withTemporaryFolder("graph", (directory) => {
    writeFileSync(join(directory, "saved_model.pb"), bytes);
    return binding.loadSavedModel(directory, TAG);
  });
  // Only signatures are kept: nodes hold constants and stacks.
  const { signatures } = graph;
  // After a failed call, deleting the session could abort the process: TensorFlow may free buffers twice.
  let hasFailed = false;
  return {
    run(name, inputs) {
      hasFailed = true;
      const outputs = runSignature(binding, session, signatures, name, inputs);
      hasFailed = false;
      return outputs;
    },
    dispose() {
      if (!hasFailed) binding.deleteSavedModel(session);
    },
  };
}

function runSignature(
  binding: NativeBinding,
  session: number,
  signatures: Graph["signatures"],
  name: string,
  inputs: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const signature = signatures[name];
  if (signature === undefined) throw new RangeError(`The graph has no signature ${name}.`);
  const inputNames = Object.keys(signature.inputs);
  const ids = nativeBackend().getInputTensorIds(inputNames.map((key) => inputs[key] as Tensor));
  const outputNames = Object.keys(signature.outputs);
  const nodeNames = (keys: string[], ports: typeof signature.inputs) => keys.map((key) => ports[key]?.tensor).join(",");
  const results = binding.runSavedModel(
    session,
    ids,
    nodeNames(inputNames, signature.inputs),
    nodeNames(outputNames, signature.outputs),
  );
  const backend = nativeBackend();
  return Object.fromEntries(results.map((result, i) => [outputNames[i] as string, backend.createOutputTensor(result)]));
}

/** Assignments of a step's updates; each runs after all reads of its variable's old value. */
function assignments(prefix: string, recorded: RecordedStep, handles: GraphVariables["handles"]): GraphNode[] {
  const byName = nodesByName(recorded.nodes);
  const users = usersOf(recorded.nodes);
  return recorded.updates.map((update, i) => {
    const [variable, value] = update;
    const handle = handles.get(variable) as string;
    const name = `${prefix}/assign_${i}`;
    const write = rowWrite(recorded, update, byName);
    const readers = (users.get(handle) ?? []).map((node) => node.name);
    if (write === undefined) return assignNode(name, handle, value, readers);
    const read = recorded.reads.get(variable) as string;
    const isNeeded = users.get(read)?.some((user) => user !== write) ?? false;
    const [, places, rows] = write.inputs as [string, string, string];
    const after = isNeeded ? readers : readers.filter((reader) => reader !== read);
    return assignRowsNode(name, handle, places, rows, after);
  });
}

/** Nodes and signature of one step per call. */
export function singleStep(
  prefix: string,
  entry: Entry,
  recorded: RecordedStep,
  variables: GraphVariables,
  precision: PrecisionName,
): { nodes: GraphNode[]; signature: Signature } {
  const step = prepared(recorded, "graph", precision);
  const assigns = assignments(prefix, step, variables.handles);
  const done = `${prefix}/done`;
  const nodes = [
    ...step.nodes,
    ...assigns,
    ...doneNodes(
      done,
      assigns.map((node) => node.name),
    ),
  ];
  const inputs = Object.fromEntries(
    Object.entries({ ...entry.perStep, ...entry.shared }).map(([name, { shape, dtype }]) => [
      name,
      { tensor: `${recorded.feeds[name]}:0`, dtype: FEED_TYPES[dtype], shape },
    ]),
  );
  return { nodes, signature: { inputs, outputs: donePort(done) } };
}

export const NOTHING_TO_COMPILE: Pick<Program, "compilations" | "kept" | "wholeCalls"> = {
  compilations: () => [],
  kept: 0,
  wholeCalls: false,
};

/** Runs a signature whose only output signals that it is done. */
export function runToDone(session: Session, signature: string, inputs: Readonly<Record<string, Tensor>>): void {
  for (const output of Object.values(session.run(signature, inputs))) {
    output.dataSync(); // an error of the step surfaces here
    output.dispose();
  }
}

/** Copies variable groups between tf.Variables and a session. */
export function groupTransfer(
  session: Session,
  groups: ProgramDescription["variables"],
): Pick<Program, "pull" | "push"> {
  const group = (name: string): readonly Variable[] => {
    const variables = groups[name];
    if (variables === undefined) throw new RangeError(`The program has no group ${name}.`);
    return variables;
  };
  return {
    push(name) {
      const variables = group(name);
      if (variables.length === 0) return;
      const bits = (variable: Variable): Tensor =>
        feedTensor(bitsOf(variable.dataSync() as Float32Array), variable.shape, "int32");
      takingMemory(`for the run's ${name}`, float32Bytes(variables), () =>
        tf.tidy(() => {
          const inputs = variables.map((variable, i) => [variableKey(i), bits(variable)]);
          runToDone(session, pushSignature(name), Object.fromEntries(inputs));
        }),
      );
    },
    pull(name) {
      const variables = group(name);
      if (variables.length === 0) return;
      const values = session.run(pullSignature(name), {});
      variables.forEach((variable, i) => {
        const value = values[variableKey(i)] as Tensor;
        variable.assign(value);
        value.dispose();
      });
    },
  };
}

/** The recorded step as a graph, one session call per step. */
export function graphProgram(description: ProgramDescription): Program {
  const { entries, precision } = description;
  const variables = declareVariables(description.variables);
  const nodes: GraphNode[] = [...variables.nodes];
  const signatures: Record<string, Signature> = { ...variables.signatures };
  for (const [name, entry] of Object.entries(entries)) {
    const recorded = recordStep(name, entry, variables.handles);
    const step = singleStep(name, entry, recorded, variables, precision);
    nodes.push(...step.nodes);
    signatures[name] = step.signature;
  }
  const session = openSession({ nodes, functions: [], signatures });
  return {
    engine: "graph",
    ...NOTHING_TO_COMPILE,
    run(name, feeds, steps) {
      const entry = calledEntry(entries, name, steps);
      for (let i = 0; i < steps; i++) {
        tf.tidy(() => {
          const inputs = stepFeeds(entry, feeds, i, steps);
          takingMemory("for a step", float32Bytes(Object.values(inputs)), () => runToDone(session, name, inputs));
        });
      }
    },
    ...groupTransfer(session, description.variables),
    dispose: () => session.dispose(),
  };
}
