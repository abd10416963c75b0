import { float32Bytes, takingMemory } from "../common/deviceMemory.js";
import { type Tensor, tf, type Variable } from "../runtime/tf.js";
import { bitsOf, checkSteps, entryNamed, feedTensor, stepFeeds } from "./feeds.js";
import { type GraphNode, nodesByName, type Signature, usersOf } from "./graph/graph.js";
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
import { openSession, type Session } from "./session.js";
import type { Entry, PrecisionName, Program, ProgramDescription } from "./types.js";

/** Assignments of a step's updates; each waits for the reads of the old values. */
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
      const entry = entryNamed(entries, name);
      checkSteps(entry, name, steps);
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
