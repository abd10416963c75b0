import { DT } from "../../runtime/native.js";
import type { Variable } from "../../runtime/tf.js";
import type { ProgramDescription } from "../types.js";
import {
  bitcastNode,
  floatConstant,
  type GraphNode,
  graphNode,
  placeholder,
  readNode,
  type Signature,
} from "./graph.js";

/** Variables of a graph: handles, and signatures that push and pull each group. */
export interface GraphVariables {
  readonly nodes: readonly GraphNode[];
  readonly handles: ReadonlyMap<Variable, string>;
  readonly signatures: Readonly<Record<string, Signature>>;
}

export const pushSignature = (group: string): string => `push/${group}`;
export const pullSignature = (group: string): string => `pull/${group}`;
/** Key of a group's variable in those signatures. */
export const variableKey = (index: number): string => `v${index}`;

const floatType = { type: DT.float };

const handleNode = (name: string, variable: Variable): GraphNode =>
  graphNode(name, "VarHandleOp", [], {
    dtype: floatType,
    shape: { shape: variable.shape },
    shared_name: { string: name },
    container: { string: "" },
  });

/** An assignment of a new value to a variable. @param after control inputs */
export const assignNode = (name: string, handle: string, value: string, after: readonly string[]): GraphNode =>
  graphNode(name, "AssignVariableOp", [handle, value, ...after.map((node) => `^${node}`)], { dtype: floatType });

/** An assignment of new values to some rows of a variable. @param places [N, 1], int32 @param after control inputs */
export const assignRowsNode = (
  name: string,
  handle: string,
  places: string,
  rows: string,
  after: readonly string[],
): GraphNode =>
  graphNode(name, "ResourceScatterNdUpdate", [handle, places, rows, ...after.map((node) => `^${node}`)], {
    T: floatType,
    Tindices: { type: DT.int32 },
    use_locking: { bool: true },
  });

/** Fetched constants are on the host, which saves a GPU a transfer. */
const HOST = "/device:CPU:0";

/** A node that is ready once all of the given nodes have run: the fetch of calls without results. */
export function doneNodes(name: string, after: readonly string[]): GraphNode[] {
  const one = { ...floatConstant(`${name}/one`, 1), device: HOST };
  const done: GraphNode = {
    name,
    op: "Identity",
    inputs: [one.name, ...after.map((node) => `^${node}`)],
    attributes: { T: floatType },
    device: HOST,
  };
  return [one, done];
}

export const donePort = (name: string): Signature["outputs"] => ({
  done: { tensor: `${name}:0`, dtype: DT.float, shape: [] },
});

/** Declares all variables of a program. */
export function declareVariables(groups: ProgramDescription["variables"]): GraphVariables {
  const nodes: GraphNode[] = [];
  const handles = new Map<Variable, string>();
  const signatures: Record<string, Signature> = {};
  for (const [group, variables] of Object.entries(groups)) {
    for (const variable of variables) {
      const name = `variable_${handles.size}`;
      if (handles.has(variable)) throw new Error(`${variable.name} is in two groups.`);
      handles.set(variable, name);
      nodes.push(handleNode(name, variable));
    }
    if (variables.length === 0) continue;
    const push = pushGroup(group, variables, handles);
    const pull = pullGroup(group, variables, handles);
    nodes.push(...push.nodes, ...pull.nodes);
    signatures[pushSignature(group)] = push.signature;
    signatures[pullSignature(group)] = pull.signature;
  }
  return { nodes, handles, signatures };
}

type Handles = ReadonlyMap<Variable, string>;

/** Values are passed by their bits, as feeds (loop/functions.ts): one copy to a GPU. */
function pushGroup(group: string, variables: readonly Variable[], handles: Handles) {
  const nodes: GraphNode[] = [];
  const inputs: Record<string, Signature["inputs"][string]> = {};
  const assigns = variables.map((variable, i) => {
    const bits = placeholder(`push/${group}/bits_${i}`, DT.int32, variable.shape);
    const value = bitcastNode(`push/${group}/value_${i}`, bits.name, DT.int32, DT.float);
    const assign = `push/${group}/assign_${i}`;
    nodes.push(bits, value, assignNode(assign, handles.get(variable) as string, value.name, []));
    inputs[variableKey(i)] = { tensor: `${bits.name}:0`, dtype: DT.int32, shape: variable.shape };
    return assign;
  });
  const done = `push/${group}/done`;
  nodes.push(...doneNodes(done, assigns));
  return { nodes, signature: { inputs, outputs: donePort(done) } };
}

function pullGroup(group: string, variables: readonly Variable[], handles: Handles) {
  const nodes: GraphNode[] = [];
  const outputs: Record<string, Signature["outputs"][string]> = {};
  variables.forEach((variable, i) => {
    const name = `pull/${group}/value_${i}`;
    nodes.push(readNode(name, [handles.get(variable) as string]));
    outputs[variableKey(i)] = { tensor: `${name}:0`, dtype: DT.float, shape: variable.shape };
  });
  return { nodes, signature: { inputs: {}, outputs } };
}
